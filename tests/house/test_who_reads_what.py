"""The document of the walls names every table that has one, and whom the database lets through."""

import re
from pathlib import Path

from ringfence.rules.access import SYSTEM_SCOPES
from tests.database import Connection

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "walls.md"
_TABLES = """
SELECT CASE n.nspname WHEN 'casework' THEN '' ELSE n.nspname || '.' END || c.relname, p.polroles::regrole[]::text[], p.polcmd,
    concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relrowsecurity AND c.relkind IN ('r', 'p')
"""
Through = tuple[set[str], set[str], set[str]]


def held(owner: Connection) -> dict[str, Through]:
    """By table: the scopes that the pages see it in, those that the worker changes it in, and those that only read."""
    found: dict[str, Through] = {}
    for table, roles, command, condition in owner.execute(_TABLES).fetchall():
        pages, changes, reads = found.setdefault(table, (set(), set(), set()))
        scopes = SYSTEM_SCOPES.keys() & set(re.findall(r"\w+", " ".join(re.findall("'[^']*'", condition))))
        if "ringfence_app" in roles and command in ("r", "*"):
            pages |= scopes
        if "ringfence_worker" in roles:
            (reads if command == "r" else changes).update(scopes)
    return {table: (pages, changes, reads - changes) for table, (pages, changes, reads) in found.items()}


def told(document: str) -> dict[str, Through]:
    """The same from the document."""
    section = document.partition("## Who reads what\n")[2].partition("\n## ")[0]
    found: dict[str, Through] = {}
    for line in section.splitlines():
        cells = [re.findall(r"`([\w.]+)`", cell) for cell in line.split("|")[1:-1]]
        for table in cells[0] if cells else ():
            assert table not in found, f"{table} is told of twice"
            pages, changes, reads = (SYSTEM_SCOPES.keys() & set(cell) for cell in cells[1:])
            found[table] = (pages, changes, reads)
    return found


def test_every_table_is_told_of_as_the_database_has_it(owner: Connection) -> None:
    database, document = held(owner), told(DOCUMENT.read_text())
    assert {table: through for table, through in database.items() if document.get(table) != through} == {}
    assert document.keys() - database.keys() == set()
