"""One row of a laboratory's line list: what each field may hold, and when a row cannot be used.

A row is either read whole or set aside whole, with the field and the reason. What identifies the specimen, the result
and (for a positive) the person must be right; what only helps to reach somebody (telephone, e-mail, ethnicity) never
stops a row, because a person with a mistyped telephone number still has to be traced: an unusable value is left empty
and the bytes that came are kept. Of a negative or void result it is not read at all (``REACH``).

Dates are ISO 8601 text (``2020-08-03``) here, not ``date``: they sort and compare as they are, and two million of them
a day are only copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from ringfence.rules.calendar import london_date
from ringfence.rules.plural import counted

POSITIVE, NEGATIVE, VOID = "positive", "negative", "void"

#: The fields of a line list in the order in which they are kept. ``name`` may stand for the two parts of a name.
FIELDS = (
    "specimen_id",
    "nhs_number",
    "given_name",
    "family_name",
    "birth_date",
    "sex",
    "phone",
    "phone_other",
    "email",
    "address",
    "postcode",
    "gp_postcode",
    "ethnicity",
    "care_home",
    "test_type",
    "specimen_date",
    "report_date",
    "result",
    "laboratory",
)

#: Words that a laboratory may use for a result. SNOMED CT codes: 1322781000000102 detected, 1322791000000100 not
#: detected, 1321691000000102 unknown (NHS Digital's SARS-CoV-2 test outcome codes); 260373001 detected, 260415000 not
#: detected, 419984006 inconclusive (SNOMED CT international edition).
RESULT_WORDS = {
    **dict.fromkeys(("positive", "pos", "p", "detected", "1322781000000102", "reactive", "+", "260373001"), POSITIVE),
    **dict.fromkeys(
        ("negative", "neg", "n", "not detected", "1322791000000100", "non-reactive", "-", "260415000"), NEGATIVE
    ),
    **dict.fromkeys(
        (
            "void",
            "v",
            "invalid",
            "inconclusive",
            "indeterminate",
            "equivocal",
            "unknown",
            "rejected",
            "1321691000000102",
            "419984006",
        ),
        VOID,
    ),
}
SEX_WORDS = {"m": "M", "male": "M", "1": "M", "f": "F", "female": "F", "2": "F", "9": "I", "indeterminate": "I"}
#: What is read of a positive alone: it helps to reach somebody, and about the others nobody is called.
REACH = ("phone", "phone_other", "email", "ethnicity")
YES = frozenset(("y", "yes", "true", "t", "1"))
EARLIEST_SPECIMEN = "2020-01-01"
OLDEST_YEARS = 120

_DATE_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[T ].*)?$")
_DATE_HL7 = re.compile(r"(\d{4})(\d{2})(\d{2})\d{4}(?:\d{2}(?:\.\d{1,4})?)?(?:[+-]\d{4}|Z)?$")
_DATE_PARTS = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})(?:[T ].*)?$")
_DATE_WORDS = re.compile(r"(\d{1,2})[-/. ]([A-Za-z]{3,9})[-/. ,]+(\d{4})(?:[T ].*)?$")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+$")


class Unusable(ValueError):
    """A field that cannot be used; the message is the reason, in words that end the sentence "this row ..."."""


class Rejected(NamedTuple):
    """A row that cannot be used: which field, and why."""

    field: str
    why: str


class Result(NamedTuple):
    """One row, read. Text is trimmed; ``""`` is not given; dates are ISO 8601 text; ``age`` is in years, -1 unknown."""

    specimen_id: str
    nhs_number: str
    given_name: str
    family_name: str
    birth_date: str
    sex: str
    phone: str
    phone_other: str
    email: str
    address: str
    postcode: str
    gp_postcode: str
    ethnicity: str
    care_home: bool
    test_type: str
    specimen_date: str
    report_date: str
    result: str
    laboratory: str
    age: int


def _sums(*weights: int) -> list[int]:
    """For every number of so many digits, the sum of digit times weight, modulo 11."""
    found = [0]
    for weight in weights:
        found = [(before + digit * weight) % 11 for before in found for digit in range(10)]
    return found


_HIGH = _sums(10, 9, 8, 7, 6)
_LOW = _sums(5, 4, 3, 2, 1)  # the check digit weighs 1


def nhs_number(text: str) -> str:
    """Ten digits with the right check digit (modulus 11, NHS Data Dictionary), or ``""``; spaces and hyphens go."""
    if not (len(text) == 10 and text.isascii() and text.isdigit()):
        text = text.replace(" ", "").replace("-", "")
        if not text:
            return ""
        if len(text) != 10:
            raise Unusable(f"has {counted(len(text), 'character')} where an NHS number has 10 digits")
        if not (text.isascii() and text.isdigit()):
            raise Unusable("holds something other than digits")
    if (_HIGH[int(text[:5])] + _LOW[int(text[5:])]) % 11:
        raise Unusable("has a wrong check digit: it was mistyped or is not an NHS number")
    if text == "0000000000":
        raise Unusable("is all zeros")
    return text


@lru_cache(maxsize=200_000)
def iso_date(text: str, month_first: bool = False) -> str:
    """A date written as 2020-08-03, 20200803, 03/08/2020 (day first unless ``month_first``) or 3 Aug 2020, as ISO text.

    A time after the date is dropped, also as HL7 writes it (202008031405). A year of two digits is refused: it would be
    a guess. ``""`` stays ``""``.
    """
    text = text.strip()
    if not text:
        return ""
    if match := _DATE_ISO.match(text) or _DATE_HL7.match(text):
        year, month, day = map(int, match.groups())
    elif match := _DATE_PARTS.match(text):
        first, second, year = map(int, match.groups())
        day, month = (second, first) if month_first else (first, second)
    elif (match := _DATE_WORDS.match(text)) and match[2][:3].lower() in _MONTHS:
        day, month, year = int(match[1]), _MONTHS[match[2][:3].lower()], int(match[3])
    else:
        raise Unusable(f"{text[:20]!r} is not a date such as 2020-08-03 or 03/08/2020")
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise Unusable(
            f"{text[:20]!r} is not a day that exists, read {'month' if month_first else 'day'} first"
        ) from None


def plain(text: str) -> str:
    """Text with control characters and runs of spaces turned into one space."""
    return " ".join(_CONTROL.sub(" ", text).split())


def text_of(length: int) -> Callable[[str], str]:
    """A reader of free text of at most ``length`` characters."""

    def read(text: str) -> str:
        simple = text.isascii() and text.isprintable() and "  " not in text
        text = text.strip() if simple else plain(text)
        if len(text) > length:
            raise Unusable(f"has {len(text)} characters; at most {length} are allowed")
        return text

    return read


def required_text_of(length: int) -> Callable[[str], str]:
    """As ``text_of``, and not empty."""
    inner = text_of(length)

    def read(text: str) -> str:
        read_text = inner(text)
        if not read_text:
            raise Unusable("is empty")
        return read_text

    return read


def phone(text: str) -> str:
    """A telephone number as digits with a leading 0 or +, or ``""`` when it cannot be one; never stops a row."""
    if not text:
        return ""
    if len(text) == 11 and text.isascii() and text.isdigit() and text[0] == "0":
        return text
    kept = "".join(c for c in text if c.isascii() and (c.isdigit() or c == "+"))
    if kept.startswith(("+44", "0044")):
        kept = "0" + kept[kept.index("44") + 2 :].lstrip("0")
    elif kept.startswith("44") and len(kept) == 12:
        kept = "0" + kept[2:]
    elif len(kept) == 10 and kept[0] in "1237":
        kept = "0" + kept  # a spreadsheet took the leading zero
    elif kept.startswith("00"):
        kept = "+" + kept[2:]
    digits = kept.lstrip("+")
    if "+" in digits or not 10 <= len(digits) <= 15 or kept[0] not in "0+":
        return ""
    return kept if len(set(digits)) > 2 else ""


def phone_typed(text: str) -> str:
    """A number that somebody types while it is said, as ``phone`` reads it; ``""`` also for a British one of a digit too few or
    too many: there is still somebody to ask."""
    read = phone(text)
    digits = (11,) if read.startswith("07") else (10, 11) if read.startswith("0") else range(10, 16)
    return read if len(read.lstrip("+")) in digits else ""


def email(text: str) -> str:
    """An e-mail address in lower case, or ``""`` when it cannot be one; never stops a row."""
    if not text:
        return ""
    text = text.strip().lower()
    return text if len(text) <= 254 and _EMAIL.match(text) else ""


def sex(text: str) -> str:
    """``M``, ``F``, ``I`` (indeterminate) or ``""``; never stops a row."""
    return SEX_WORDS.get(text.strip().lower(), "")


def yes(text: str) -> bool:
    """Whether the text says yes; anything else is no."""
    return text.strip().lower() in YES


def _word(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def outcome_in(words: Mapping[str, str]) -> Callable[[str], str]:
    """A reader of results in a source's words (as written -> ``positive``, ``negative`` or ``void``), or the usual."""
    own = {_word(text): result for text, result in words.items()}
    return lambda text: own.get(_word(text)) or outcome(text)


def outcome(text: str) -> str:
    """``positive``, ``negative`` or ``void``."""
    word = _word(text)
    known = RESULT_WORDS.get(word)
    if known is None:
        raise Unusable(f"{text.strip()[:20]!r} is not a known result word" if word else "is empty")
    return known


def _short(length: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) <= length and text.isascii() and text.isprintable() and "  " not in text:
            return text.strip()
        return plain(text)[:length]

    return read


#: field -> (reader, whether values repeat so often that remembering them pays).
READERS: dict[str, tuple[Callable[[str], object], bool]] = {
    "specimen_id": (required_text_of(60), False),
    "nhs_number": (nhs_number, False),
    "given_name": (text_of(100), True),
    "family_name": (text_of(100), True),
    "birth_date": (iso_date, True),
    "sex": (sex, True),
    "phone": (phone, False),
    "phone_other": (phone, False),
    "email": (email, False),
    "address": (text_of(300), False),
    "postcode": (_short(20), False),
    "gp_postcode": (_short(20), False),
    "ethnicity": (_short(60), True),
    "care_home": (yes, True),
    "test_type": (_short(20), True),
    "specimen_date": (iso_date, True),
    "report_date": (iso_date, True),
    "result": (outcome, True),
    "laboratory": (text_of(60), True),
}


def split_name(text: str) -> tuple[str, str]:
    """A whole name as given and family name: "Family, Given" or "Given Family"."""
    text = plain(text)
    if "," in text:
        family, _, given = text.partition(",")
        return given.strip(), family.strip()
    given, _, family = text.rpartition(" ")
    return given, family


def age_on(birth_date: str, on: str) -> int:
    """Whole years from one ISO date to another; -1 when the first is not given."""
    if not birth_date:
        return -1
    return (int(on.replace("-", "")) - int(birth_date.replace("-", ""))) // 10_000


def check(
    *,
    result: str,
    given_name: str,
    family_name: str,
    birth_date: str,
    specimen_date: str,
    report_date: str,
    received_on: str,
) -> Rejected | None:
    """What the fields of a row say together: dates in order, and a positive names somebody. All dates are ISO text."""
    if not specimen_date:
        return Rejected("specimen_date", "is empty")
    if specimen_date < EARLIEST_SPECIMEN:
        return Rejected("specimen_date", f"{specimen_date} is before {EARLIEST_SPECIMEN}")
    if specimen_date > received_on:
        return Rejected("specimen_date", f"{specimen_date} is after the day it arrived, {received_on}")
    if report_date:
        if report_date < specimen_date:
            return Rejected("report_date", f"{report_date} is before the specimen date, {specimen_date}")
        if report_date > received_on:
            return Rejected("report_date", f"{report_date} is after the day it arrived, {received_on}")
    if birth_date:
        if birth_date > specimen_date:
            return Rejected("birth_date", f"{birth_date} is after the specimen date, {specimen_date}")
        if age_on(birth_date, specimen_date) > OLDEST_YEARS:
            return Rejected("birth_date", f"{birth_date} would make this person older than {OLDEST_YEARS}")
    elif result == POSITIVE:
        return Rejected("birth_date", "is empty: a positive result needs a date of birth")
    if result == POSITIVE and not (family_name or given_name):
        return Rejected("family_name", "is empty: a positive result needs a name")
    return None


def read_row(
    row: Mapping[str, str],
    *,
    received_on: str,
    source: str,
    month_first: bool = False,
    words: Mapping[str, str] | None = None,
) -> Result | Rejected:
    """One row, from field name to text as it came, read or rejected. The meaning of ``feeds.linelist``, one at a time.

    ``words`` are the source's own for a result.
    """
    values: dict[str, object] = {}
    if "name" in row:
        given, family = split_name(row["name"])
        row = {"given_name": given, "family_name": family, **row}
    for field in FIELDS:
        read = READERS[field][0]
        try:
            if read is iso_date:
                values[field] = iso_date(row.get(field, ""), month_first)
            elif words and read is outcome:
                values[field] = outcome_in(words)(row.get(field, ""))
            else:
                values[field] = read(row.get(field, ""))
        except Unusable as problem:
            return Rejected(field, str(problem))
    if values["result"] != POSITIVE:
        values.update(dict.fromkeys(REACH, ""))
    values["laboratory"] = values["laboratory"] or source
    values["report_date"] = values["report_date"] or received_on
    wrong = check(
        received_on=received_on,
        **{
            k: values[k]  # type: ignore[arg-type]
            for k in ("result", "given_name", "family_name", "birth_date", "specimen_date", "report_date")
        },
    )
    if wrong is not None:
        return wrong
    return Result(**values, age=age_on(str(values["birth_date"]), str(values["specimen_date"])))  # type: ignore[arg-type]


def received_day(received_at: datetime) -> str:
    """The day of arrival in England, as ISO 8601 text."""
    return london_date(received_at).isoformat()
