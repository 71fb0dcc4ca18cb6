"""Plain tables for the methods: CSV files with a header, read whole, each value checked.

Comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252; plain or gzip. Columns in any order and case;
further columns are not read. The first value that cannot be used stops the reading: a figure from half a file would be
worse than none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ringfence.feeds import csv, text


class Unusable(ValueError):
    """A table that cannot be read; the message says the file, the line, the column, and what to write instead."""


#: Years that a file's dates may lie apart: what is further from the others is a slip of the pen.
LONGEST_YEARS = 20

Reader = Callable[[str], Any]


#: 2020-06-29, 2020/6/29 (as SaTScan writes it), 20200629, 29/06/2020; a time may follow.
_DATE = re.compile(
    r"(?:(?P<y>\d{4})(?P<sign>[-/]?)(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})"
    r"|(?P<d2>\d{1,2})/(?P<m2>\d{1,2})/(?P<y2>\d{4}))(?:[T ].*)?",
    re.ASCII,
)


def a_date(given: str) -> date:
    """2020-06-29; 2020/6/29, 20200629, 29/06/2020 and a time after the day are taken as well."""
    found = _DATE.fullmatch(given.strip())
    try:
        if found is None or (found["sign"] == "" and len(found["m"] + found["d"]) < 4):
            raise ValueError
        return date(*(int(found[part] or found[part + "2"]) for part in "ymd"))
    except ValueError:
        raise Unusable("is no date; write 2020-06-29") from None


#: What is more than there are people is a slip of the pen.
MOST_CASES = 10**10

#: "1,234" or "1,234.5"; any other comma may be a decimal one, as in "51,5".
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def a_count(given: str) -> int:
    """A whole number of 0 or more; "1,234" and "12.0" are taken."""
    number = a_number(given)
    if number < 0 or number != int(number):
        raise Unusable("is no count; write a whole number of 0 or more")
    if number > MOST_CASES:
        raise Unusable("is more than there are people; write the cases of one day")
    return int(number)


def a_number(given: str) -> float:
    """A finite number."""
    said = given.strip()
    if "," in said and not _THOUSANDS.fullmatch(said):
        raise Unusable("is no number; write a point before decimals, as 51.5")
    try:
        number = float(said.replace(",", ""))
    except ValueError:
        raise Unusable("is no number" if said else "is empty; write a number") from None
    if not math.isfinite(number):
        raise Unusable("is no number that can be reckoned with")
    return number


def a_share(given: str) -> float:
    """A number of 0 or more, such as a population."""
    number = a_number(given)
    if number < 0:
        raise Unusable("is negative; write 0 or more")
    return number


def a_name(given: str) -> str:
    """A text that is not empty."""
    if not given.strip():
        raise Unusable("is empty; write a name or a code")
    if any(letter < " " or letter == "\x7f" for letter in given.strip()):
        raise Unusable("has a line break or another control character; write a name or a code")
    return given.strip()


def a_text(given: str) -> str:
    """A text, which may be empty."""
    return given.strip()


def table(
    path: Path,
    columns: Mapping[str, Reader],
    optional: Mapping[str, Reader] | None = None,
    others: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[Any]]:
    """The columns of a file: name -> a value for each row. An optional column that is not there is not in the answer.

    ``others``: further names under which a column may stand. Raises Unusable, and OSError when there is no such file.
    """
    wanted = {**columns, **(optional or {})}
    lines = _lines(path)
    if not any(line.strip() for line in lines):
        raise Unusable(f"{path}: the file is empty; its first line names the columns {', '.join(columns)}")
    try:
        begin = csv.head(["\n".join(lines)])
    except text.Refused as problem:
        raise Unusable(f"{path}: {problem}") from None
    batches = list(csv.records(["\n".join(lines[begin.number - 1 :])], begin.delimiter, number=begin.number))
    for each in batches:
        if each.bad:
            raise Unusable(f"{path}, record {each.bad[0].number}: {each.bad[0].why}")
    rows = [(number, row) for each in batches for number, row in zip(each.numbers, each.rows, strict=True)]
    header = [_key(name) for name in rows[0][1]]
    places: dict[str, int] = {}
    for name in wanted:
        found = [at for at, key in enumerate(header) if key in {_key(name), *map(_key, (others or {}).get(name, ()))}]
        if len(found) > 1:
            raise Unusable(f"{path}: there are {len(found)} columns {name}; leave one")
        if found:
            places[name] = found[0]
        elif name in columns:
            raise Unusable(
                f"{path}: there is no column {name}; the file has {', '.join(rows[0][1])}, and needs {', '.join(columns)}"
            )
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise Unusable(f"{path}, record {number}: {len(row)} fields where the header has {len(header)}")
    answer: dict[str, list[Any]] = {}
    for name, at in places.items():
        # Few values of a column differ, and each is read once.
        known: dict[str, Any] = {}
        for number, row in rows[1:]:
            if row[at] not in known:
                try:
                    known[row[at]] = wanted[name](row[at])
                except Unusable as problem:
                    raise Unusable(f"{path}, record {number}, column {name}: {row[at]!r} {problem}") from None
        answer[name] = [known[row[at]] for _, row in rows[1:]]
    if not rows[1:]:
        raise Unusable(f"{path}: there is a header and no row")
    dates = {name: answer[name] for name in answer if wanted[name] is a_date}
    _refuse_a_date_far_off(path, dates, [number for number, _ in rows[1:]])
    return answer


def _refuse_a_date_far_off(path: Path, dates: Mapping[str, Sequence[date]], numbers: Sequence[int]) -> None:
    every = sorted({each for column in dates.values() for each in column})
    if not every or every[-1].year - every[0].year <= LONGEST_YEARS:
        return
    middle = every[len(every) // 2]
    far = max((every[0], every[-1]), key=lambda each: (not 1900 <= each.year <= 2100, abs((each - middle).days)))
    name, record = next(
        (name, number)
        for name, column in dates.items()
        for number, each in zip(numbers, column, strict=True)
        if each == far
    )
    raise Unusable(
        f"{path}, record {record}, column {name}: {far} is far from the other dates, {every[0]} to {every[-1]}; correct it, "
        f"or give a file of at most {LONGEST_YEARS} years"
    )


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _lines(path: Path) -> list[str]:
    content = path.read_bytes()
    try:
        if text.is_gzip(content[:3]):
            content = b"".join(text.gunzip([content]))
        text.refuse_what_is_not_text(content[:1024])
    except text.Refused as problem:
        raise Unusable(f"{path}: {problem}") from None
    sniffer = text.Sniffer()
    sniffer.feed(content)
    try:
        return content.decode(sniffer.encoding()).splitlines()
    except UnicodeDecodeError:
        raise Unusable(f"{path}: this is no text; save it as CSV in UTF-8") from None


def summed(keys: Iterable[Any], values: Iterable[int]) -> dict[Any, int]:
    """The values of each key added up, in order of first appearance."""
    found: dict[Any, int] = {}
    for key, value in zip(keys, values, strict=True):
        found[key] = found.get(key, 0) + value
    return found
