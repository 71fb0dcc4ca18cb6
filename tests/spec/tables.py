"""Tables in plain text that are read by people as the manual and by the tests as cases."""

from datetime import date, datetime

from ringfence.rules.calendar import LONDON


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table: a line of names, a line of dashes, then a line a row, cells separated by `|`."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    head, rule, *body = lines
    if set(rule) - set("-+| "):
        raise ValueError(f"the second line of a table is dashes, not {rule!r}")
    names = [name.strip() for name in head.split("|")]
    rows = [[cell.strip() for cell in line.split("|")] for line in body]
    wrong = [line for line, row in zip(body, rows, strict=True) if len(row) != len(names)]
    if wrong or not rows:
        raise ValueError(f"a table has rows, each with the cells {names}; not {wrong}")
    return [dict(zip(names, row, strict=True)) for row in rows]


def moment(text: str) -> datetime:
    """London time, with the day of the week for the reader: `Mon 2020-08-03 14:05`."""
    parsed = datetime.strptime(text, "%a %Y-%m-%d %H:%M")
    if f"{parsed:%a}" != text[:3]:
        raise ValueError(f"{text} is a {parsed:%A}")
    return parsed.replace(tzinfo=LONDON)


def day(text: str) -> date | None:
    """A date, or None for a dash."""
    return None if text == "-" else date.fromisoformat(text)
