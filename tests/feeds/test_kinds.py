"""What kind of file it is: recognised, or refused with a clear word."""

import gzip
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.feeds.text import Refused, gunzip, is_gzip, refuse_what_is_not_text

ZIP = BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("xl/workbook.xml", "<workbook/>")


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (ZIP.getvalue(), "Excel workbook or a zip file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50, r"old Excel workbook .* 65,536 rows"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf\r\n <HTML>", "web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b'{"resourceType":', "JSON"),
        (b"[1,2]", "JSON"),
        (b"MSH|^~\\&|", "HL7"),
        (b"FHS|^~\\&|", "batch of HL7"),
        (b"UNB+UNOA", "EDIFACT"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        ("Übersicht,".encode("utf-16-le") + bytes(9), "binary"),
        ("Specimen ID,".encode("utf-32"), "UTF-32"),
        (b"abc\0def", "binary"),
    ],
)
def test_what_is_no_line_list_is_told_apart(head, word):
    with pytest.raises(Refused, match=word):
        refuse_what_is_not_text(head)


@pytest.mark.parametrize(
    "head", [b"Specimen ID,Result\n", b"\xef\xbb\xbfid", "id,é".encode("utf-16"), "sep=;".encode("utf-16-le"), b""]
)
def test_what_may_be_one_passes(head):
    refuse_what_is_not_text(head)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 40))
def test_gzip_is_read_with_all_its_members(members, size):
    data = b"".join(map(gzip.compress, members)) + b"\0" * 3
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert is_gzip(chunks[0]) or size == 1
    assert b"".join(gunzip(chunks)) == b"".join(members)


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_gzip_file_that_was_cut_or_damaged_is_refused_or_the_same(content, draws):
    data = gzip.compress(content)
    cut = data[: draws.draw(st.integers(3, len(data) - 1))]
    with pytest.raises(Refused, match=r"cut off|damaged"):
        list(gunzip([cut]))
    at = draws.draw(st.integers(10, len(data) - 1))
    damaged = data[:at] + bytes([data[at] ^ draws.draw(st.integers(1, 255))]) + data[at + 1 :]
    with suppress(Refused):
        assert b"".join(gunzip([damaged])) == content


def test_a_gzip_file_that_explodes_is_refused():
    bomb = gzip.compress(b"0" * (64 << 20))
    with pytest.raises(Refused, match="expands far more"):
        list(gunzip([bomb]))
