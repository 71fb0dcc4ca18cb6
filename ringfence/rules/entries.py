"""The entries of an answer that lists people or places: what one holds, and how what was typed becomes one. Pure.

An entry keeps its id for ever: the person or place made from it stays the same when its words are mended. An entry is
never dropped; one that was a mistake is withdrawn, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ringfence.rules import places as postcodes
from ringfence.rules import results
from ringfence.rules.exposures import Category
from ringfence.rules.policy import Exemption
from ringfence.rules.settings import Kind

RELATIONS = {
    "household": "Lives with them",
    "close": "Family or friend",
    "work": "Work",
    "school": "School or college",
    "other": "Somebody else",
}
"""How a contact is known to the case; the first one is the household."""

USUAL = {
    Category.WORK: Kind.WORKPLACE,
    Category.EDUCATION: Kind.SCHOOL,
    Category.VISITING: Kind.HOME,
    Category.EATING_OUT: Kind.HOSPITALITY,
    Category.SHOPPING: Kind.SHOP,
    Category.SPORT: Kind.LEISURE,
    Category.LEISURE: Kind.LEISURE,
    Category.PERSONAL_CARE: Kind.SHOP,
    Category.WORSHIP: Kind.WORSHIP,
    Category.HEALTH_CARE: Kind.HOSPITAL,
    Category.CARE_HOME: Kind.CARE_HOME,
    Category.TRAVEL: Kind.TRANSPORT,
    Category.OTHER: Kind.OTHER,
}
"""What sort of place it is when only what they did there was said."""

MOST = 100
ENTRY_ID = re.compile(r"[A-Za-z0-9-]{4,40}")

_NO = frozenset({"", "no", "false", "0", "off"})


class Problem(NamedTuple):
    """One thing to put right. `where` is "" for the whole answer, or "2-phone": the field of the third entry."""

    where: str
    message: str


class Checked(NamedTuple):
    """What an answer became: `value` as it is kept (None: not answered), without what is wrong in it."""

    value: Any
    problems: tuple[Problem, ...] = ()


class _Entry:
    """Reads one entry and remembers what is wrong with it."""

    def __init__(self, raw: Mapping[str, Any], number: int) -> None:
        self.raw, self.number = raw, number
        self.problems: list[Problem] = []

    def wrong(self, field: str, message: str) -> None:
        self.problems.append(Problem(f"{self.number}-{field}", message))

    def text(self, field: str, longest: int) -> str:
        given = self.raw.get(field)
        found = clean(given) if isinstance(given, str) else ""
        if len(found) > longest:
            self.wrong(field, f"Shorten this to {longest} letters or fewer")
        return found

    def yes(self, field: str) -> bool:
        given = self.raw.get(field)
        return given if isinstance(given, bool) else str(given or "").strip().lower() not in _NO

    def choice(self, field: str, allowed: Sequence[str], otherwise: str) -> str:
        given = self.text(field, 40)
        if given and given not in allowed:
            self.wrong(field, "Choose one of those offered")
            return otherwise
        return given or otherwise

    def day(self, field: str, latest: date | None, what: str) -> str | None:
        given = self.text(field, 40)
        if not given:
            return None
        found = iso_day(given)
        if found is None:
            self.wrong(field, f"Give {what} as a day, such as 23 11 2026")
        elif latest is not None and found > latest:
            self.wrong(
                field, f"Give {what} as a day that has been: {found.day}.{found.month}.{found.year} is still to come"
            )
        return found.isoformat() if found else None

    def phone(self) -> str:
        given = self.text("phone", 40)
        found = results.phone_typed(given)
        if given and not found:
            self.wrong("phone", "Give a telephone number, such as 07700 900123, or leave it empty")
        return found

    def email(self) -> str:
        given = self.text("email", 254)
        found = results.email(given)
        if given and not found:
            self.wrong("email", "Give an email address, such as name@example.com, or leave it empty")
        return found

    def postcode(self) -> str:
        given = self.text("postcode", 40)
        found = postcodes.read(given).postcode or ""
        if given and not found:
            self.wrong("postcode", "Give a postcode, such as LE1 5AA, or leave it empty")
        return found

    def kept(self) -> tuple[str, str]:
        """The entry's id, and why it was withdrawn."""
        given = self.raw.get("id")
        id_ = given if isinstance(given, str) and ENTRY_ID.fullmatch(given) else ""
        if not id_:
            self.wrong("id", "This entry has lost its mark; open the page again")
        return id_, self.text("withdrawn", 200)


def clean(text: str) -> str:
    """A text on one line, with single spaces, without what cannot be printed."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def iso_day(text: str) -> date | None:
    """A day as ISO 8601 or as people write it: "2026-11-23", "23/11/2026", "23 11 2026"; None when it is none."""
    parts = [part for part in re.split(r"[\s/.-]+", text.strip()) if part]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    year, month, day = parts if len(parts[0]) == 4 else reversed(parts)
    if len(year) != 4:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


_NAMES = ("given_name", "family_name", "phone", "email", "postcode", "address", "birth_date")
_PLACE = ("name", "postcode", "address")


def blank_person(raw: Mapping[str, Any]) -> bool:
    """Whether nobody was written into a row for a person."""
    return not any(clean(str(raw.get(field) or "")) for field in _NAMES)


def blank_place(raw: Mapping[str, Any]) -> bool:
    """Whether nothing was written into a row for a place."""
    return not any(clean(str(raw.get(field) or "")) for field in _PLACE)


def person(raw: Mapping[str, Any], number: int, today: date) -> Checked:
    """One contact. Who lives with the case and has no day of last contact was last met today; of others it is asked."""
    read = _Entry(raw, number)
    id_, withdrawn = read.kept()
    given, family = read.text("given_name", 100), read.text("family_name", 100)
    if not given and not family:
        read.wrong("given_name", "Give a name, or what they are called")
    relation = read.choice("relation", tuple(RELATIONS), "")
    household = relation == "household" or (not relation and read.yes("household"))
    if not relation and not household:
        read.wrong("relation", "Say how they know each other")
    last = read.day("last_contact", today, "the day they were last together")
    if not (last or household or withdrawn or read.text("last_contact", 40)):
        read.wrong("last_contact", "Choose the day they were last together; the nearest one will do")
    born = read.day("birth_date", today, "the date of birth")
    if born and results.age_on(born, today.isoformat()) > results.OLDEST_YEARS:
        read.wrong("birth_date", f"Check the year of birth: they would be older than {results.OLDEST_YEARS}")
    grown = read.raw.get("adult")
    adult = (
        grown
        if isinstance(grown, bool)
        else {"yes": True, "true": True, "no": False, "false": False}.get(str(grown or "").lower())
    )
    exempt = read.raw.get("exemptions")
    value = {
        "id": id_,
        "given_name": given,
        "family_name": family,
        "birth_date": born,
        "adult": adult,
        "phone": read.phone(),
        "email": read.email(),
        "household": household,
        "relation": "household" if household else relation or "other",
        "last_contact": last or today.isoformat(),
        "postcode": read.postcode(),
        "address": read.text("address", 300),
        "place": read.text("place", 40),
        "spoken_for": read.yes("spoken_for"),
        "exemptions": [each.value for each in Exemption if isinstance(exempt, (list, tuple)) and each in exempt],
        "withdrawn": withdrawn,
    }
    return Checked(value, tuple(read.problems))


def place(raw: Mapping[str, Any], number: int, today: date) -> Checked:
    """One place with the days when the case was there; one day when only the first is given."""
    read = _Entry(raw, number)
    id_, withdrawn = read.kept()
    name, postcode = read.text("name", 120), read.postcode()
    if not name and not postcode and not read.problems:
        read.wrong("name", "Give the place's name or its postcode")
    category = read.choice("category", tuple(Category), "")
    if not category:
        read.wrong("category", "Say what they did there")
    first = read.day("from", today, "the first day there")
    last = read.day("until", today, "the last day there")
    if first is None and last is None:
        read.wrong("from", "Say on which day they were there")
    first, last = first or last, last or first
    if first and last and last < first:
        read.wrong("until", "The last day there cannot be before the first")
    value = {
        "id": id_,
        "name": name,
        "kind": read.choice("kind", tuple(Kind), USUAL[Category(category)].value if category else ""),
        "category": category,
        "postcode": postcode,
        "address": read.text("address", 300),
        "from": first,
        "until": last,
        "withdrawn": withdrawn,
    }
    return Checked(value, tuple(read.problems))


def listed(kind: str, raw: object, today: date) -> Checked:
    """A list of people or of places (`kind`). Blank rows are left out; an entry that is wrong is in the problems only."""
    if raw is None or raw == "":
        return Checked(None)
    if not isinstance(raw, (list, tuple)) or not all(isinstance(each, Mapping) for each in raw):
        return Checked(None, (Problem("", "Open the page again: the list could not be read"),))
    if len(raw) > MOST:
        return Checked(None, (Problem("", f"Give at most {MOST} entries; tell the health protection team about more"),))
    read, blank = (person, blank_person) if kind == "people" else (place, blank_place)
    found: list[Any] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for number, each in enumerate(raw):
        if blank(each):
            continue
        entry = read(each, number, today)
        if not entry.problems and entry.value["id"] in seen:
            entry = Checked(None, (Problem(f"{number}-id", "The same entry is there twice; open the page again"),))
        if entry.problems:
            problems += entry.problems
        else:
            seen.add(entry.value["id"])
            found.append(entry.value)
    return Checked(found or None, tuple(problems))


def merged(before: object, after: object) -> list[dict[str, Any]]:
    """The entries of `after`, and those of `before` that it does not mention: an entry is never dropped."""
    new = [dict(each) for each in after] if isinstance(after, (list, tuple)) else []
    old = [dict(each) for each in before] if isinstance(before, (list, tuple)) else []
    written = {each["id"]: each for each in new}
    kept = [written.pop(each["id"], each) for each in old]
    return kept + [each for each in new if each["id"] in written]
