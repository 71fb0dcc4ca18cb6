"""What kind of file a stream of bytes is, and its text; streamed, so that a file of any size needs little memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator

#: Beginnings of files that are not line lists, and the clear word for each.
NOT_TEXT = (
    (
        b"PK\x03\x04",
        "This is an Excel workbook or a zip file, not CSV. In the spreadsheet choose Save as, CSV UTF-8, or unpack the "
        "zip file first; better, ask the laboratory for its own export.",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "This is an old Excel workbook (.xls), not CSV. It cannot hold more than 65,536 rows, so rows may already be "
        "missing: ask the laboratory for its own CSV export rather than saving this one again.",
    ),
    (b"%PDF", "This is a PDF document, not CSV. Ask the laboratory for its CSV export."),
    (b"MSH|", "This is an HL7 version 2 message, not CSV."),
    (b"FHS|", "This is a batch of HL7 version 2 messages, not CSV."),
    (b"UNB+", "This is an EDIFACT interchange, not CSV."),
    (b"BZh", "This is a file compressed with bzip2. Uncompress it first; gzip is read as it is."),
    (b"\xfd7zXZ", "This is a file compressed with xz. Uncompress it first; gzip is read as it is."),
    (b"7z\xbc\xaf", "This is a 7-Zip file. Unpack it first; gzip is read as it is."),
)

PIECE = 1 << 20
"""Bytes that are held at a time."""

LONGEST_LINE = 1 << 20
"""Characters; what a line holds beyond is not kept in memory, and its row is set aside."""

LARGEST_EXPANSION = 200
"""A gzip file that grows more than this many times is refused: line lists compress ten to thirty times."""


class Refused(Exception):
    """The whole file cannot be read; the message says what it is and what to do."""


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The contents of a gzip file (RFC 1952), all members; refuses one that is damaged, cut off or absurdly dense."""
    machine: zlib._Decompress | None = None
    taken = given = 0
    for chunk in chunks:
        taken += len(chunk)
        data, more = chunk, False
        while data or more:
            if machine is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                machine = zlib.decompressobj(wbits=31)
            try:
                piece = machine.decompress(data, PIECE)
            except zlib.error as problem:
                raise Refused(f"This gzip file is damaged ({problem}). Ask for it to be sent again.") from None
            given += len(piece)
            if given > 16 * PIECE and given > taken * LARGEST_EXPANSION:
                raise Refused("This gzip file expands far more than any line list does. It was not read.")
            if piece:
                yield piece
            data, more = machine.unconsumed_tail, len(piece) == PIECE
            if machine.eof:
                data, more, machine = machine.unused_data, False, None
    if machine is not None:
        raise Refused("This gzip file ends in the middle: it was cut off. Ask for it to be sent again.")


_HEAD = 32
"""Bytes at a file's beginning that are looked at: the names of a line list's columns are longer."""


def _utf_16(head: bytes) -> str:
    """The encoding of UTF-16 without its mark, known by a header in ASCII: every second byte is NUL, and no other."""
    head = head[:_HEAD]
    first, second = head[::2], head[1::2]
    if len(head) < 8 or 0 < first.count(0) < len(first) or 0 < second.count(0) < len(second):
        return ""
    return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get((0 in first, 0 in second), "")


class Sniffer:
    """Told the bytes of a file as they arrive, knows at the end which encoding reads all of them.

    ``encoding`` is then ``utf-8``, ``utf-8-sig``, ``utf-16``, of a file without its mark ``utf-16-le`` or ``utf-16-be``
    or, for anything else, ``cp1252`` (what Windows writes by default in England), in which every byte has a meaning
    though perhaps not the one intended.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._head = b""
        self._utf8 = True

    def feed(self, data: bytes) -> None:
        if len(self._head) < _HEAD:
            self._head += data[:_HEAD]
        if self._utf8:
            try:
                self._decoder.decode(data)
            except UnicodeDecodeError:
                self._utf8 = False

    def encoding(self) -> str:
        if self._head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if self._head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"  # it says so itself; bytes that are not are somebody's mistake, not Windows-1252
        if unmarked := _utf_16(self._head):
            return unmarked
        if self._utf8:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "cp1252"
            return "utf-8"
        return "cp1252"


def is_gzip(head: bytes) -> bool:
    return head.startswith(b"\x1f\x8b")


def refuse_what_is_not_text(head: bytes) -> None:
    """Raise ``Refused`` with the clear word when the first bytes of a file show that it is no line list."""
    for magic, word in NOT_TEXT:
        if head.startswith(magic):
            raise Refused(word)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise Refused("This is a web page, not CSV: perhaps a sign-in page was saved in place of the file.")
    if start.startswith(b"<?xml"):
        raise Refused("This is an XML document, not CSV.")
    if start.startswith((b"{", b"[")):
        raise Refused("This is JSON, not CSV.")
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise Refused("This text is in UTF-32, which is not read. Ask for UTF-8.")
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not marked and not _utf_16(head) and head[:1024].count(0) * 10 > len(head[:1024]):
        raise Refused("This file holds binary data, not text. Ask the laboratory for its CSV export, in UTF-8.")


def text_blocks(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The physical lines of a file, some to a block with LF between them (from CR LF, LF or CR); nothing is dropped.

    Only a line much longer than ``LONGEST_LINE`` is cut, and stays longer than that, so that it is known by it.

    Bytes that the encoding has no meaning for become U+FFFD; the row they are in says so when it is read.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest = ""
    for chunk in chunks:
        text = rest + decoder.decode(chunk)
        held = ""
        if text.endswith("\r"):
            text, held = text[:-1], "\r"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        end = text.rfind("\n")
        block, rest = text[: max(end, 0)], text[end + 1 :] + held
        if len(rest) > 2 * LONGEST_LINE:
            # Without its quotation marks it is a line by itself, whatever was cut off.
            rest = rest[: LONGEST_LINE + 1].replace('"', "'") + held
        if end >= 0:
            yield block
    rest = (rest + decoder.decode(b"", final=True)).replace("\r\n", "\n").replace("\r", "\n")
    if rest:
        yield rest.removesuffix("\n")
