"""What a delivery's counts say: does it balance, and does anything about it look as in a week when results were lost.

In autumn 2020 England lost 15,841 positive results in eight days, because files had gone through a spreadsheet format
that ends at 65,536 rows and nobody compared counts. Nothing here changes a delivery; each warning is a sentence for
somebody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ringfence.rules.plural import counted

SPREADSHEET_LIMITS = (65_536, 1_048_576, 16_384)
"""Rows at which spreadsheet programs end, header included (Excel 97-2003, Excel since 2007, Excel 95)."""

USUAL_TIMES = 5
"""A delivery this many times larger or smaller than the source's usual one is pointed out [B]."""

SPOILT_PERCENT = 10
"""From so many positives in a hundred on, telephone numbers that cannot be ones are pointed out [B]."""

MOST_NAMED = 12
"""Columns that a warning names; how many more there are is counted."""

MOST_PARTS = 16
"""Parts that one delivery may be read in at once; its locks are numbered by them."""


class Balance(NamedTuple):
    """Rows in, and what became of them; ``holds`` when every row is accounted for."""

    rows: int
    accepted: int
    duplicate: int
    quarantined: int

    @property
    def holds(self) -> bool:
        return self.rows == self.accepted + self.duplicate + self.quarantined


def another_count(rows: int, expected_rows: int | None) -> list[str]:
    """A sentence when the sender counted otherwise, none when it counted the same or not at all."""
    if expected_rows is None or expected_rows == rows:
        return []
    missing = "Rows are missing: ask for the file again."
    todo = missing if rows < expected_rows else "Ask the sender which count is right."
    return [f"The sender said {counted(expected_rows, 'row')}; the file holds {rows:,}. {todo}"]


def warnings(
    *,
    rows: int,
    expected_rows: int | None,
    filename: str,
    earlier: Sequence[tuple[str, int]],
    unknown_headers: Sequence[str],
    spoilt_phones: tuple[int, int] = (0, 0),
) -> list[str]:
    """Sentences about a delivery that was read; ``earlier`` are the source's last deliveries, newest first: name, rows.

    ``spoilt_phones``: of how many positives looked at the telephone number is given and cannot be one, and of how many.
    """
    said = another_count(rows, expected_rows)
    if rows + 1 in SPREADSHEET_LIMITS or rows in SPREADSHEET_LIMITS:
        said.append(
            f"The file ends at exactly the row where a spreadsheet program ends ({rows + 1:,} with the header): it may have "
            "been cut off on the way. Compare the laboratory's own count."
        )
    if unknown_headers:
        named = [repr(each) if each.strip() else "one without a name" for each in unknown_headers[:MOST_NAMED]]
        more = len(unknown_headers) - len(named)
        said.append(f"These columns were not read: {', '.join(named)}{f' and {more} more' if more else ''}.")
    spoilt, looked_at = spoilt_phones
    if spoilt and spoilt * 100 >= looked_at * SPOILT_PERCENT:
        said.append(
            f"The telephone number of {spoilt * 100 // looked_at}% of the positive results cannot be one and was left empty. "
            "Look at how the file writes it: a spreadsheet makes 7.7E+09 of it."
        )
    if not rows:
        said.append("The file holds a header and no rows.")
    number = _number(filename)
    if number is not None:
        known = [n for name, _ in earlier if (n := _number(name)) is not None and _stem(name) == _stem(filename)]
        if known and number > max(known) + 1:
            missing = number - max(known) - 1
            said.append(
                f"The file number jumps from {max(known)} to {number}: {counted(missing, 'file')} of "
                "this source may not have arrived."
            )
    usual = sorted(count for _, count in earlier if count)
    if len(usual) >= 3 and rows:
        middle = usual[len(usual) // 2]
        if rows * USUAL_TIMES < middle or rows > middle * USUAL_TIMES:
            said.append(
                f"{counted(rows, 'row')} is unusual for this source; its last deliveries held about {middle:,}."
            )
    return said


# A date in any usual order, with a time of day behind it or without; six digits are a date only before a time.
_YEAR, _MONTH, _DAY, _BETWEEN = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", "[-_. ]?"
_DATE = "|".join(
    _BETWEEN.join(order) for order in ((_YEAR, _MONTH, _DAY), (_DAY, _MONTH, _YEAR), (_MONTH, _DAY, _YEAR))
)
_SHORT_DATE = rf"\d\d{_MONTH}{_DAY}|{_DAY}{_MONTH}\d\d"
_TIME = r"[-_. T]?(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d)?|(?P<between>[-_.:])[0-5]\d(?:(?P=between)[0-5]\d)?)(?:[-_.]\d{6})?"
_STAMP = re.compile(rf"(?<!\d)(?:(?:{_DATE})(?:{_TIME})?|(?:{_SHORT_DATE}){_TIME.replace('between', 'other')})(?!\d)")
_NUMBERED = re.compile(r"^(.*?)(?<!\d)(\d{1,9})(?:\.[A-Za-z0-9.]+)?$")


def _number(filename: str) -> int | None:
    """The running number at the end of a name. Neither a date nor a time after one counts up by one."""
    match = _NUMBERED.match(_STAMP.sub("@", filename))
    return int(match[2]) if match else None


def _stem(filename: str) -> str:
    name = _STAMP.sub("@", filename)
    match = _NUMBERED.match(name)
    return match[1] if match else name
