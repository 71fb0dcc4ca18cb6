"""What identity and allocation need of rows, where plain ones come among the others."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.actions.keys import Keys, Spelt, _among, keys_of, with_plain
from ringfence.feeds.csv import records
from ringfence.feeds.linelist import LineList, layout
from ringfence.feeds.plain import Plainly
from ringfence.geography.packed import NONE_PACKED
from ringfence.queries.people import Candidates
from ringfence.simulation.linelists import HEADER, rows
from tests.examples import examples

LINES = [
    ",".join(row) for row in rows(60, positive=0.3, postcodes=["BB1 1AA", "LE1 1AA"], seed=3, on=date(2026, 11, 17))
]


def listed(words):
    return np.ones(len(words), np.uint16)


@settings(max_examples=examples(10))
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=30), st.integers(0, 2**30))
def test_plain_rows_have_the_keys_that_they_would_have_by_themselves(lines, which):
    reader = LineList(layout(list(HEADER)), source="Lab", received_on="2026-11-18")
    plainly = Plainly(reader, listed, np.array(["", "E06000008"], "S9"))
    (read,) = records(["\n".join(lines)], ",", number=2, width=len(HEADER))
    plain, rest = plainly.apart(read)
    columns, _ = reader.read(rest)
    chosen = plain.chosen(np.array([bool(which >> i & 1) for i in range(len(plain))], np.bool_))
    both, keys = with_plain(chosen, columns, keys_of(columns, NONE_PACKED), NONE_PACKED)
    wanted = {*columns.numbers, *(number + 2 for number in chosen.at.tolist())}
    assert both.numbers == sorted(wanted)
    assert keys == keys_of(both, NONE_PACKED)
    assert isinstance(keys, Keys)


def test_one_number_on_every_row_makes_no_more_keys_than_there_are_rows():
    """Some senders fill in the same number where they know none."""
    head = list(HEADER)
    lines = []
    for n in range(2_000):
        row = LINES[0].split(",")
        for name, text in (
            ("NHS number", "9999999999"),
            ("Given name", f"Name{n}"),
            ("Postcode", f"BB{n % 99 + 1} 1AA"),
        ):
            row[head.index(name)] = text
        lines.append(",".join(row))
    (read,) = records(["\n".join(lines)], ",", number=2, width=len(HEADER))
    columns, _ = LineList(layout(head), source="Lab", received_on="2026-11-18").read(read)
    keys = keys_of(columns, NONE_PACKED)
    rows_of = range(len(columns.numbers))
    spelt = Spelt.of(rows_of, columns, keys, Candidates({}, {}, {}, {}))
    assert spelt.keys(columns, keys) == {*keys.match}
    assert sum(len(each) for each in spelt.homes.values()) == len(rows_of) == 2_000
    assert len({id(some) for each in spelt.homes.values() for some in each}) == 1


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.sets(st.integers(-(2**63), 2**63 - 1)))
def test_among(asked, some):
    assert _among(np.array(asked, np.int64), some).tolist() == [each in some for each in asked]
    assert _among(np.array([*some], np.int64), some).all()
