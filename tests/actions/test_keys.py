"""What identity and allocation need of rows, where plain ones come among the others."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.actions.keys import Keys, _among, keys_of, with_plain
from ringfence.feeds.csv import records
from ringfence.feeds.linelist import LineList, layout
from ringfence.feeds.plain import Plainly
from ringfence.geography.packed import NONE_PACKED
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


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.sets(st.integers(-(2**63), 2**63 - 1)))
def test_among(asked, some):
    assert _among(np.array(asked, np.int64), some).tolist() == [each in some for each in asked]
    assert _among(np.array([*some], np.int64), some).all()
