"""What a batch's rows say of themselves, as lines of COPY, and the tables that take them.

The lines are made where rows are read, beside the database's work. What is decided of a row only later (who it is about,
which case and trace) comes after, so that the thread that writes has next to nothing to put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any, NamedTuple

from ringfence.rules import allocation
from ringfence.rules.results import POSITIVE

NULL = "\\N"

# Emptied in place at the end of a batch: TRUNCATE would make new files for each. Where several batches are one transaction,
# the rows of the one before are there to be deleted.
TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS stage_results (
    row_number bigint, laboratory text, specimen_id text, test_type text, result text, specimen_date date,
    report_date date, postcode text, gp_postcode text, sex text, age smallint, care_home boolean,
    authority text, person_id bigint, case_id bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stage_people (
    nhs_number text, match_key bigint, given_name text, family_name text, birth_date date, sex text, ethnicity text,
    phone text, phone_other text, email text, address text, postcode text, gp_postcode text, care_home boolean,
    household bigint, id bigint, area text) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stage_cases (
    postcode text, care_home boolean, phone text, household bigint, priority smallint, id bigint, person_id bigint,
    episode smallint, first date, last date, trace_id bigint, ref text, authority text, ltla text, team_id bigint,
    area text, national_team_id bigint, why text, due_at timestamptz, due_why text, passes_to_id bigint)
    ON COMMIT DELETE ROWS;
DELETE FROM stage_results;
DELETE FROM stage_people;
DELETE FROM stage_cases;
"""

#: The columns of ``stage_results`` that a row tells by itself, and the one after them that a plain row has too.
OF_A_RESULT = (
    "row_number laboratory specimen_id test_type result specimen_date report_date postcode gp_postcode sex age care_home"
).split()
AUTHORITY = "authority"


class Lines(NamedTuple):
    """The beginnings of each row's lines, by row; those of a person and a case only where the row is positive."""

    results: list[str]
    people: list[str]
    cases: list[str]


def lines_of(
    fields: dict[str, list[Any]],
    numbers: Sequence[int],
    match: Sequence[int],
    postcodes: Sequence[str],
    gp_postcodes: Sequence[str],
    households: Sequence[int | None],
) -> Lines:
    """The lines of rows that were read; the last four are columns of ``actions.keys.Keys``."""
    care_home = ["t" if each else "f" for each in fields["care_home"]]
    results = [
        map(str, numbers),
        safe(fields["laboratory"]),
        safe(fields["specimen_id"]),
        safe(fields["test_type"]),
        fields["result"],
        fields["specimen_date"],
        fields["report_date"],
        postcodes,
        gp_postcodes,
        fields["sex"],
        map(str, fields["age"]),
        care_home,
    ]
    positive = [result == POSITIVE for result in fields["result"]]
    if not any(positive):
        nothing = [""] * len(numbers)
        return Lines(_rows(results), nothing, nothing)

    def told(column: Iterable[Any]) -> list[Any]:
        return list(compress(column, positive))

    def text(name: str) -> list[str]:
        return safe(told(fields[name]))

    homes, homes_care, at = [null(each) for each in told(households)], told(care_home), told(postcodes)
    phones, others = text("phone"), text("phone_other")
    people = _rows(
        [
            [each or NULL for each in told(fields["nhs_number"])],
            map(str, told(match)),
            text("given_name"),
            text("family_name"),
            told(fields["birth_date"]),
            text("sex"),
            text("ethnicity"),
            phones,
            others,
            text("email"),
            text("address"),
            at,
            told(gp_postcodes),
            homes_care,
            homes,
        ]
    )
    who = list(zip(told(fields["care_home"]), told(fields["age"]), strict=True))
    urgency = {each: str(allocation.priority(care_home=each[0], age=each[1])) for each in set(who)}
    cases = _rows(
        [
            at,
            homes_care,
            [phone or other for phone, other in zip(phones, others, strict=True)],
            homes,
            map(urgency.__getitem__, who),
        ]
    )
    return Lines(_rows(results), _spread(people, positive), _spread(cases, positive))


def _rows(columns: Sequence[Iterable[str]]) -> list[str]:
    return list(map("\t".join, zip(*columns, strict=True)))


def _spread(some: list[str], where: Sequence[bool]) -> list[str]:
    """What belongs to some of the rows, by row."""
    if len(some) == len(where):
        return some
    each = iter(some)
    return [next(each) if here else "" for here in where]


def null(value: int | None) -> str:
    return NULL if value is None else str(value)


def safe(column: list[str]) -> list[str]:
    """Text for COPY. Readers have turned tabs and line ends into spaces; only the backslash means something to it."""
    if "\\" in "".join(column):
        return [text.replace("\\", "\\\\") for text in column]
    return column
