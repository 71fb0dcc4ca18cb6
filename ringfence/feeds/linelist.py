"""A laboratory's CSV line list: its headers, and its rows read by the column.

The meaning of each row is ``rules.results.read_row``; here the same readers go down the columns, because the same two
hundred dates and forty words come again and again in two million rows, and remembering them makes reading ten times
faster. A test holds the two against each other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from operator import le
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from ringfence.feeds.csv import Records
from ringfence.feeds.text import LONGEST_LINE, Refused
from ringfence.rules.results import (
    EARLIEST_SPECIMEN,
    FIELDS,
    NEGATIVE,
    POSITIVE,
    REACH,
    READERS,
    VOID,
    Rejected,
    Unusable,
    check,
    iso_date,
    outcome_in,
    split_name,
)

#: Header (lower case, letters and digits only) -> field. A source's own mapping comes before these.
HEADERS: dict[str, str] = {
    **dict.fromkeys(
        ("specimenid", "specimennumber", "specimen", "sampleid", "labnumber", "barcode", "testid"), "specimen_id"
    ),
    **dict.fromkeys(("nhsnumber", "nhsno", "nhs", "nhsnum", "patientnhsnumber"), "nhs_number"),
    **dict.fromkeys(("name", "fullname", "patientname", "patient"), "name"),
    **dict.fromkeys(("givenname", "firstname", "forename", "forenames", "given"), "given_name"),
    **dict.fromkeys(("familyname", "lastname", "surname", "family"), "family_name"),
    **dict.fromkeys(("birthdate", "dateofbirth", "dob", "birth", "patientdob"), "birth_date"),
    **dict.fromkeys(("sex", "gender"), "sex"),
    **dict.fromkeys(
        ("phone", "phones", "telephone", "telephonenumber", "mobile", "phonenumber", "mobilenumber", "phone1", "tel"),
        "phone",
    ),
    **dict.fromkeys(("phoneother", "otherphone", "landline", "homephone", "phone2", "alternativephone"), "phone_other"),
    **dict.fromkeys(("email", "emailaddress"), "email"),
    **dict.fromkeys(("address", "homeaddress", "fulladdress", "addressline1", "address1"), "address"),
    **dict.fromkeys(("postcode", "postcodeattest", "homepostcode", "testpostcode", "patientpostcode"), "postcode"),
    **dict.fromkeys(("gppostcode", "practicepostcode", "gppracticepostcode", "registeredpostcode"), "gp_postcode"),
    **dict.fromkeys(("ethnicity", "ethnicgroup", "ethniccategory"), "ethnicity"),
    **dict.fromkeys(("carehome", "carehomeflag", "carehomeresident", "residentialcare"), "care_home"),
    **dict.fromkeys(("testtype", "test", "testkit", "method", "assay"), "test_type"),
    **dict.fromkeys(
        ("specimendate", "sampledate", "collectiondate", "datecollected", "swabdate", "testdate"), "specimen_date"
    ),
    **dict.fromkeys(("reportdate", "datereported", "reporteddate", "resultdate", "authoriseddate"), "report_date"),
    **dict.fromkeys(("result", "testresult", "outcome"), "result"),
    **dict.fromkeys(("laboratory", "lab", "labname", "laboratoryname", "reportinglab", "labcode"), "laboratory"),
}
REQUIRED = ("specimen_id", "specimen_date", "result")

#: So many digits in one field are a date, a telephone or an NHS number, and not the name of a column.
_DIGITS_OF_DATA = 5


#: What a mapping may lead to besides the fields: the whole name in one column, and a column that is not to be read.
NAME, IGNORE = "name", "ignore"


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """What is particular to a source: its headers (as written -> field), its words for a result, 03/08 as 8 March."""

    headers: Mapping[str, str] = field(default_factory=dict)
    month_first: bool = False
    results: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*FIELDS, NAME, IGNORE)
        seen: dict[str, str] = {}
        for header, to in self.headers.items():
            if to not in known:
                near = get_close_matches(str(to), known, 1)
                raise ValueError(
                    f"the header {header!r} leads to {to!r}, which is no field"
                    + (f"; did you mean {near[0]!r}?" if near else f". Fields are {', '.join(known)}.")
                )
            if seen.setdefault(_bare(header), header) != header:
                raise ValueError(
                    f"the headers {seen[_bare(header)]!r} and {header!r} are the same: only letters and digits count"
                )
        for word, result in self.results.items():
            if result not in (POSITIVE, NEGATIVE, VOID):
                raise ValueError(f"the result {word!r} leads to {result!r}; it is positive, negative or void")


def mapping_of(toml: str) -> SourceMapping:
    """A mapping as it is written in TOML: ``month_first = true``, a table ``[headers]`` with header = "field", a table
    ``[results]`` with word = "positive", "negative" or "void". All may be left out.

    Raises ``ValueError`` with what is wrong and where.
    """
    try:
        given = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"this is not TOML: {problem}") from None
    for key in given:
        if key not in ("headers", "month_first", "results"):
            raise ValueError(f"{key!r} is not known here; a mapping has month_first, [headers] and [results]")
    headers, month_first, results = given.get("headers", {}), given.get("month_first", False), given.get("results", {})
    if not isinstance(month_first, bool):
        raise ValueError("month_first is true or false")
    if not isinstance(headers, dict) or not all(isinstance(to, str) for to in headers.values()):
        raise ValueError('[headers] holds lines such as "Accession no" = "specimen_id"')
    if not isinstance(results, dict) or not all(isinstance(to, str) for to in results.values()):
        raise ValueError('[results] holds lines such as "covid-19:pos" = "positive"')
    return SourceMapping(headers, month_first, results)


class Layout(NamedTuple):
    """Where each field stands in this file, how many columns there are, the headers that mean nothing here.

    And the source's way with dates, and its words for a result.
    """

    places: dict[str, int]
    columns: int
    unknown: list[str]
    month_first: bool
    results: Mapping[str, str]


class Columns(NamedTuple):
    """Rows that can be used: for each field a list, ``age`` in years; each row's number, and the row as it came."""

    fields: dict[str, list[Any]]
    numbers: list[int]
    raws: list[str]

    def chosen(self, rows: Sequence[int]) -> Columns:
        """These rows, in this order."""
        fields = {name: [column[i] for i in rows] for name, column in self.fields.items()}
        return Columns(fields, [self.numbers[i] for i in rows], [self.raws[i] for i in rows])

    def among(self, others: Columns) -> tuple[Columns, list[int]]:
        """These rows and ``others``, in the order of the file; and for each its place in those followed by these."""
        numbers = others.numbers + self.numbers
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        fields = {name: column + self.fields[name] for name, column in others.fields.items()}
        return Columns(fields, numbers, others.raws + self.raws).chosen(order), order


class SetAside(NamedTuple):
    """A row for quarantine: number, field, why, and the row as it came."""

    number: int
    field: str
    why: str
    raw: str


def _bare(header: str) -> str:
    """What counts of a header: letters and digits; of one that has neither, all of it."""
    return "".join(c for c in header.casefold() if c.isalnum()) or header.strip()


def layout(header: list[str], mapping: SourceMapping | None = None) -> Layout:
    """Where the fields stand, from the header record; raises ``Refused`` when the file cannot be a line list.

    A header that the source's mapping names wins over one that only sounds like the same field.
    """
    own = {_bare(name): to for name, to in (mapping.headers if mapping else {}).items()}
    mapped = {to for name in header if (to := own.get(_bare(name)))}
    places: dict[str, int] = {}
    unknown: list[str] = []
    for place, name in enumerate(header):
        bare = _bare(name)
        to = own.get(bare) or HEADERS.get(bare)
        if to == IGNORE:
            continue
        if to is None or (bare not in own and to in mapped):
            unknown.append(name.strip()[:40])
        elif to in places:
            raise Refused(
                f"Two columns both mean {to}: {header[places[to]].strip()!r} and {name.strip()!r}. Rename one, or "
                'give this source a mapping in which one of them leads to "ignore".'
            )
        else:
            places[to] = place
    missing = [name for name in REQUIRED if name not in places]
    if missing:
        if any(sum(map(str.isdigit, name)) >= _DIGITS_OF_DATA for name in header):
            # Not shown: it is somebody's, and a refusal is read by people who may see nobody's record.
            raise Refused(
                "This is not a line list: it has no header. The first row holds values, such as a date or a number, "
                "where the names of the columns should be. Ask for the file with its header."
            )
        raise Refused(
            f"This is not a line list: no column for {', '.join(missing)}. The first row has: "
            f"{', '.join(repr(name.strip()[:40]) for name in header[:30]) or 'nothing'}. If the columns have other "
            "names, give this source a mapping: ringfence source set."
        )
    return Layout(
        places, len(header), unknown, bool(mapping and mapping.month_first), mapping.results if mapping else {}
    )


class _Remembered(dict[str, Any]):
    """A reader that remembers what it has read; forgets everything when that grows too large."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read

    def __missing__(self, text: str) -> Any:
        if len(self) > 100_000:
            self.clear()
        value = self[text] = self.read(text)
        return value


#: Text that is mostly read as it came: the longest, and whether it must say something.
_PLAIN = {"specimen_id": (60, True), "address": (300, False), "postcode": (20, False), "gp_postcode": (20, False)}


def _is_plain(texts: Sequence[str], longest: int, needed: bool) -> bool:
    """Whether reading a column of text would change nothing: told from the whole of it at once, not one by one."""
    whole = "|".join(texts)
    return (
        whole.isascii()
        and whole.isprintable()
        and "  " not in whole
        and "| " not in whole
        and " |" not in whole
        and not whole.startswith(" ")
        and not whole.endswith(" ")
        and max(map(len, texts)) <= longest
        and not (needed and "" in texts)
    )


_WEIGHTS = np.array((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), dtype=np.int32)


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether a column holds nothing but NHS numbers as they are kept, and empty fields."""
    whole = "".join(texts)
    if not (whole.isascii() and whole.isdigit() and set(map(len, texts)) <= {0, 10}):
        return not whole
    digits = np.frombuffer(whole.encode(), dtype=np.uint8).reshape(-1, 10) - ord("0")
    return bool((digits @ _WEIGHTS % 11 == 0).all() and digits.any(axis=1).all())


class LineList:
    """Reads the records of one file by the column; keeps what it remembers from batch to batch."""

    def __init__(self, shape: Layout, *, source: str, received_on: str, part: int = 0, parts: int = 1) -> None:
        self.layout = shape
        self.source = source
        self.received_on = received_on
        self.part, self.parts = part, parts
        self.spoilt_phones = 0
        """Of the positives read so far, those whose telephone number is given and cannot be one."""
        self._readers: dict[str, Callable[[str], Any]] = {}
        for name in FIELDS:
            read, remember = READERS[name]
            if read is iso_date:
                read = partial(iso_date, month_first=shape.month_first)
            elif name == "result" and shape.results:
                read = outcome_in(shape.results)
            self._readers[name] = _Remembered(read).__getitem__ if remember else read
        self._number = _Remembered(lambda text: int(text.replace("-", "") or 0)).__getitem__
        self._part_of = _Remembered(self._part)

    def reads(self, name: str, text: str) -> Any:
        """What the text of one field means. Raises ``Unusable``."""
        return self._readers[name](text)

    def read(self, records: Records) -> tuple[Columns, list[SetAside]]:
        """The usable rows of this reader's part, and the rows set aside (the first part's if they belong to none)."""
        aside: list[SetAside] = []
        if self.part == 0:
            aside += [SetAside(bad.number, "row", bad.why, bad.raw) for bad in records.bad]
        width = self.layout.columns
        if not records.uniform(width):
            widths = records.widths()
            if self.part == 0:
                aside += [
                    SetAside(number, "row", f"has {fields} fields where the header has {width}", raw)
                    for number, fields, raw in zip(records.numbers, widths, records.raws, strict=True)
                    if fields != width
                ]
            records = records.chosen([fields == width for fields in widths])
        if self.parts > 1:
            records = self._mine(records)
        if not records.numbers:
            return Columns({name: [] for name in (*FIELDS, "age")}, [], []), aside
        return self._columns(records.columns(width), records.numbers, records.raws, aside)

    def _mine(self, records: Records) -> Records:
        """Records of this part: by the birth date, so that all rows of one person meet in one reader."""
        place = self.layout.places.get("birth_date")
        part, part_of = self.part, self._part_of
        if place is None:
            return records if part_of[""] == part else records.chosen([])
        return records.chosen([part_of[text] == part for text in records.field(place)])

    def _part(self, birth_date: str) -> int:
        try:
            key = self._readers["birth_date"](birth_date)
        except Unusable:
            key = ""
        return crc32(key.encode()) % self.parts

    def _columns(
        self, raw_columns: Sequence[Sequence[str]], numbers: list[int], raws: list[str], aside: list[SetAside]
    ) -> tuple[Columns, list[SetAside]]:
        bad: dict[int, Rejected] = {}
        whole = "".join(raws)
        if len(whole) > LONGEST_LINE:
            for i, raw in enumerate(raws):
                if len(raw) > LONGEST_LINE:
                    bad[i] = Rejected("row", f"has more than {LONGEST_LINE:,} characters")
        if "\0" in whole or "\ufffd" in whole:
            for i, raw in enumerate(raws):
                if "\0" in raw or "\ufffd" in raw:
                    bad[i] = bad.get(i) or Rejected("row", "holds bytes that are no text in this file's encoding")
        given: dict[str, Sequence[str]] = {
            name: raw_columns[place] for name, place in self.layout.places.items() if name != "name"
        }
        if "name" in self.layout.places:
            pairs = [split_name(text) for text in raw_columns[self.layout.places["name"]]]
            given.setdefault("given_name", [pair[0] for pair in pairs])
            given.setdefault("family_name", [pair[1] for pair in pairs])
        fields: dict[str, list[Any]] = {}
        count = len(raws)
        results, not_results = self._column("result", given["result"])
        for name in FIELDS:
            if name == "result":
                fields[name], wrong = results, not_results
            elif name not in given:
                fields[name] = [self._readers[name]("")] * count
                continue
            elif name in REACH:
                read = self._readers[name]
                fields[name] = [
                    read(text) if result == POSITIVE else "" for text, result in zip(given[name], results, strict=True)
                ]
                if name == "phone":
                    self._count(given[name], fields[name], results)
                continue
            else:
                fields[name], wrong = self._column(name, given[name])
            for i, rejected in wrong:
                bad.setdefault(i, rejected)
        source, day = self.source, self.received_on
        if "" in fields["laboratory"]:
            fields["laboratory"] = [each or source for each in fields["laboratory"]]
        if "" in fields["report_date"]:
            fields["report_date"] = [each or day for each in fields["report_date"]]
        self._check(fields, bad)
        if bad:
            for i, rejected in sorted(bad.items()):
                aside.append(SetAside(numbers[i], rejected.field, rejected.why, raws[i]))
            good = [i for i in range(count) if i not in bad]
            fields = {name: [column[i] for i in good] for name, column in fields.items()}
            numbers = [numbers[i] for i in good]
            raws = [raws[i] for i in good]
        number = self._number
        fields["age"] = [
            (on - born) // 10_000 if born else -1
            for born, on in zip(map(number, fields["birth_date"]), map(number, fields["specimen_date"]), strict=True)
        ]
        return Columns(fields, numbers, raws), aside

    def _count(self, given: Sequence[str], phones: Sequence[str], results: Sequence[Any]) -> None:
        if "" in phones:
            self.spoilt_phones += sum(
                1
                for text, phone, result in zip(given, phones, results, strict=True)
                if not phone and result == POSITIVE and text.strip()
            )

    def _column(self, name: str, given: Sequence[str]) -> tuple[list[Any], list[tuple[int, Rejected]]]:
        """A column read, and its rows that cannot be: their values are empty."""
        if name in _PLAIN and _is_plain(given, *_PLAIN[name]):
            return list(given), []
        if name == "nhs_number" and _are_numbers(given):
            return list(given), []
        read = self._readers[name]
        with suppress(Unusable):
            return list(map(read, given)), []
        column: list[Any] = []
        wrong = []
        for i, text in enumerate(given):
            try:
                column.append(read(text))
            except Unusable as problem:
                wrong.append((i, Rejected(name, str(problem))))
                column.append("")
        return column, wrong

    def _check(self, fields: dict[str, list[Any]], bad: dict[int, Rejected]) -> None:
        """``rules.results.check`` for every row: the few that may fail it are found first, by the column."""
        day = self.received_on
        oldest = str(int(day[:4]) - 119)
        births, taken, reported = fields["birth_date"], fields["specimen_date"], fields["report_date"]
        if (
            min(taken) >= EARLIEST_SPECIMEN
            and max(reported) <= day
            and all(map(le, taken, reported))
            and all(map(le, births, taken))
            and min(births) >= oldest
            and not ("" in fields["family_name"] and "" in fields["given_name"])
        ):
            return
        for i, (result, given, family, born, taken, reported) in enumerate(
            zip(
                fields["result"],
                fields["given_name"],
                fields["family_name"],
                fields["birth_date"],
                fields["specimen_date"],
                fields["report_date"],
                strict=True,
            )
        ):
            if (
                EARLIEST_SPECIMEN <= taken <= reported <= day
                and (oldest <= born <= taken or (not born and result != "positive"))
                and (family or given or result != "positive")
            ):
                continue
            if i not in bad:
                wrong = check(
                    result=result,
                    given_name=given,
                    family_name=family,
                    birth_date=born,
                    specimen_date=taken,
                    report_date=reported,
                    received_on=day,
                )
                if wrong is not None:
                    bad[i] = wrong
