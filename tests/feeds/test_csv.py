"""Bytes to lines to records: nothing is lost, and one bad record never spoils the next."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.feeds import text
from ringfence.feeds.csv import MOST_LINES, delimiter_of, head, records
from ringfence.feeds.text import LONGEST_LINE, Refused, Sniffer, text_blocks

GOOD = "S-1,a,b"


def read(blocks, number=1, width=None):
    """Rows, numbers, raws and bad of all blocks together."""
    rows, numbers, raws, bad = [], [], [], []
    for each in records(map("\n".join, blocks), ",", number=number, width=width):
        assert len(each.rows) == len(each.numbers) == len(each.raws)
        rows += each.rows
        numbers += each.numbers
        raws += each.raws
        bad += each.bad
    return rows, numbers, raws, bad


def cut(lines, places):
    """The lines in blocks that end at these places."""
    ends = sorted({min(place, len(lines)) for place in places} | {len(lines)})
    blocks, begin = [], 0
    for end in ends:
        if end > begin:
            blocks.append(lines[begin:end])
        begin = max(begin, end)
    return blocks


fields = st.text(st.sampled_from("ab ,\"\n;'é"), max_size=6)


@given(st.lists(st.lists(fields, min_size=2, max_size=4), max_size=12), st.lists(st.integers(0, 40), max_size=4))
def test_what_the_csv_module_wrote_is_read_back(rows, places):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    lines = out.getvalue().split("\n")[:-1]
    # A record of blanks alone is a blank line; programs write such lines at the end of a file.
    blank = [row for row in rows if not ",".join(row).strip()]
    got, numbers, _, bad = read(cut(lines, places))
    if not blank and not any('"' in line and not line.strip() for line in lines):
        assert bad == []
        assert got == rows
        assert numbers == list(range(1, len(rows) + 1))


@given(
    st.lists(st.text(st.sampled_from('ab,"\t x'), max_size=10), max_size=60), st.lists(st.integers(0, 60), max_size=5)
)
def test_every_line_is_in_one_record_or_bad_or_blank(lines, places):
    _, numbers, raws, bad = read(cut(lines, places))
    found = dict(zip(numbers, raws, strict=True)) | {each.number: each.raw for each in bad}
    assert len(found) == len(numbers) + len(bad)
    spoken = [line for line in lines if line.strip()]
    told = [line for number in sorted(found) for line in found[number].split("\n") if line.strip()]
    assert told == spoken


@given(
    st.lists(st.text(st.sampled_from('ab,"\t x'), max_size=10), max_size=60), st.lists(st.integers(0, 60), max_size=5)
)
@example(['a"', 'a","'], [1])  # even in quotation marks, and open at the end of its block
def test_where_blocks_end_changes_nothing(lines, places):
    assert read(cut(lines, places)) == read([lines] if lines else [])


@given(
    st.text(st.sampled_from('ab,"'), max_size=12),
    st.sampled_from(["S-{},a,b", '"S-{}","a","b"', 'S-{},"a, b",c', 'S-{},"a",b']),
    st.integers(1, 2 * MOST_LINES),
)
def test_a_bad_record_takes_no_good_one_with_it(dirt, form, count):
    good = [form.format(n) for n in range(count)]
    rows, _, raws, _ = read([[dirt, *good]], width=3)
    assert raws[-count:] == good
    assert [row[0] for row in rows[-count:]] == [f"S-{n}" for n in range(count)]


@pytest.mark.parametrize("dirt", ['"S-1,a,b', 'S-1,"a,b', 'S-1,a,"b', '"S-1","a","b'])
def test_a_quote_that_is_never_closed(dirt):
    rows, numbers, _, bad = read([[GOOD, dirt, GOOD, '"S-2","a","b"']], width=3)
    assert numbers == [1, 3, 4] and rows[-1] == ["S-2", "a", "b"]
    assert [(each.number, each.why, each.raw) for each in bad] == [
        (2, "has a quotation mark that is opened and never closed", dirt)
    ]


def test_lines_that_together_have_not_the_header_s_fields_are_not_one_record():
    rows, numbers, _, bad = read([['S-1,"a,b', 'S-2,a,b"', GOOD]], width=3)
    assert (numbers, [each.number for each in bad]) == ([2, 3], [1])
    assert rows[0] == ["S-2", "a", 'b"']


def test_an_open_quote_at_the_end_of_the_file():
    rows, numbers, _, bad = read([[GOOD, '"S-2,a', "S-3,a,b"]])
    assert rows == [["S-1", "a", "b"], ["S-3", "a", "b"]]
    assert (numbers, [each.number for each in bad]) == ([1, 3], [2])


def test_an_address_over_lines_is_one_record():
    rows, numbers, raws, bad = read([['S-1,"1 High Street', 'Luton",b', GOOD]])
    assert rows == [["S-1", "1 High Street\nLuton", "b"], ["S-1", "a", "b"]]
    assert numbers == [1, 2] and raws[0] == 'S-1,"1 High Street\nLuton",b' and bad == []


def test_blank_lines_count():
    assert read([["", GOOD, "   ", GOOD]])[1] == [2, 4]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a,b", ","), ("a;b;c", ";"), ("a\tb", "\t"), ("a|b", "|"), ('"a;b;c;d",e', ","), ("alone", ",")],
)
def test_the_delimiter_is_the_header_s(header, delimiter):
    assert delimiter_of(header) == delimiter


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["sep=;", "a;b,c,d,e", "x"], ("a;b,c,d,e", 2, ["x"], ";")),
        (["", '"SEP=|"', " ", "a|b", "x"], ("a|b", 4, ["x"], "|")),
        (["sep=\t", "a\tb;c;d"], ("a\tb;c;d", 2, [], "\t")),
        (["sep=,,,", "a,b"], ("a,b", 2, [], ",")),
        ([' "sep=;";; ', "a;b"], ("a;b", 2, [], ";")),
        # Saved again with other separators, or by a program that names none.
        (["sep=;", '"a;b",c'], ('"a;b",c', 2, [], ",")),
        (["sep=", "a;b"], ("a;b", 2, [], ";")),
        # A header all the same.
        (["sep=;x", "a"], ("sep=;x", 1, ["a"], ";")),
        (["sep;a", "b"], ("sep;a", 1, ["b"], ";")),
        (["sep=\0", "a,b"], ("sep=\0", 1, ["a,b"], ",")),
        (["", "a"], ("a", 2, [], ",")),
    ],
)
def test_where_a_file_begins(lines, found):
    for blocks in (["\n".join(lines)], lines):
        header, number, rest, delimiter = head(blocks)
        assert (header, number, "\n".join(rest).split("\n") if found[2] else list(rest), delimiter) == found


@pytest.mark.parametrize(
    ("line", "word"),
    [("sep=#", "sep=#, says that # stands"), ("sep=;", "only a line that names"), ("\n ", "empty lines")],
)
def test_a_file_without_a_beginning(line, word):
    with pytest.raises(Refused, match=word):
        head([line, ""])


def lines_of(data, size, encoding):
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return [line for block in text_blocks(chunks, encoding) for line in block.split("\n")]


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=40),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    st.integers(1, 7),
)
def test_lines_whatever_the_encoding_and_the_chunks(given_text, encoding, size):
    data = given_text.encode(encoding, "replace")
    whole = data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if whole[-1] == "":
        whole.pop()
    assert lines_of(data, size, encoding) == whole


@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda tail: "Specimen ID,Result".encode("utf-16-le") + tail),
        st.binary(max_size=200).map(lambda tail: "sep=;\nSpecimen ID".encode("utf-16-be") + tail),
    ),
    st.integers(1, 50),
)
def test_any_bytes_are_lines_or_refused(data, size):
    sniffer = Sniffer()
    for at in range(0, len(data), size):
        sniffer.feed(data[at : at + size])
    encoding = sniffer.encoding()
    try:
        text.refuse_what_is_not_text(data)
    except Refused:
        return
    lines = lines_of(data, size, encoding)
    _, _, raws, bad = read([lines] if lines else [])
    spoken = [line for line in lines if line.strip()]
    assert sorted(line for raw in [*raws, *(b.raw for b in bad)] for line in raw.split("\n") if line.strip()) == sorted(
        spoken
    )


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("é".encode(), "utf-8"),
        ("\ufeffé".encode(), "utf-8-sig"),
        ("é".encode("cp1252"), "cp1252"),
        ("é".encode("utf-16"), "utf-16"),
        ("é".encode("utf-16-be"), "cp1252"),
        ("name;é".encode("utf-16-le"), "utf-16-le"),
        ("Specimen ID,Result,Date of birth\nŁ,Ω".encode("utf-16-be") + b"\0", "utf-16-be"),
        ("Specimen".encode("utf-32-le"), "utf-8"),
        (b"a\0b\0c\0dd", "utf-8"),
        (b"\xc3", "cp1252"),
        (b"\xef\xbb\xbf\xc3\xa9\xff", "utf-8-sig"),
        (b"", "utf-8"),
    ],
)
def test_the_encoding_that_reads_all_of_it(data, encoding):
    sniffer = Sniffer()
    for byte in data:
        sniffer.feed(bytes([byte]))
    assert sniffer.encoding() == encoding


def test_a_line_without_end_is_cut_and_known_by_its_length():
    chunks = [b'"' + b"x" * LONGEST_LINE] * 4 + [b"\nS-1,a,b\n"]
    lines = [line for block in text_blocks(chunks, "utf-8") for line in block.split("\n")]
    assert len(lines) == 2 and lines[1] == GOOD
    assert len(lines[0]) > LONGEST_LINE
    rows, _, _, bad = read([lines])
    assert bad == [] and rows[1] == ["S-1", "a", "b"]


simple = st.text(st.sampled_from("ab 0"), min_size=1, max_size=4)


@given(
    st.lists(st.lists(st.one_of(simple, st.sampled_from(["", "é"])), min_size=1, max_size=4), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_fields_that_are_not_divided_yet_are_those_that_are(rows, width):
    """Where every field of a place is as long as the others, and where not; in lines of one width, and of several."""
    whole = records(["\n".join(",".join(row) for row in rows)], ",")
    divided = [row for each in records(["\n".join(",".join(row) for row in rows)], ",") for row in each.rows]
    for each in whole if divided else ():
        assert each.uniform(width) == all(len(row) == width for row in divided)
        if each.uniform(width):
            for place in range(width):
                assert each.field(place) == [row[place] for row in divided]
            assert [list(column) for column in each.columns(width)] == [list(c) for c in zip(*divided, strict=True)]
        assert each.widths() == [len(row) for row in divided]
        assert each.rows == divided
