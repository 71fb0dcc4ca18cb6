"""Postcodes of the small country with grid references: sectors side by side in Blackburn, and a neighbour's."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.town import BLACKBURN, LEICESTER

#: Where each sector's first postcode lies, in metres; each has sixteen, 150 m apart, the last two at one spot.
CORNERS = {"BB1 1": (368000, 428000), "BB1 2": (368600, 428000), "BB2 3": (368000, 428600), "BB2 4": (368600, 428600)}

LETTERS = "ABDEFGHJLNPQRSTU"

SECTORS = {sector: {f"{sector}A{letter}" for letter in LETTERS} for sector in CORNERS}


def lay_out(owner: psycopg.Connection[Any], directory: str = "the tests", without: str = "") -> None:
    """Put the postcodes there, and commit. ``directory`` stands for the file they are from."""
    rows = [
        (f"{sector}A{letter}", BLACKBURN, east + 150 * (min(at, 14) % 4), north + 150 * (min(at, 14) // 4))
        for sector, (east, north) in CORNERS.items()
        for at, letter in enumerate(LETTERS)
    ]
    rows += [(f"ZE1 0A{letter}", LEICESTER, 369200, 428000 + 100 * at) for at, letter in enumerate(LETTERS)]
    with owner.cursor() as cursor:
        cursor.execute("DELETE FROM geography.postcodes")
        cursor.executemany(
            "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES (%s, %s, %s, %s)",
            [row for row in rows if row[0] != without],
        )
        cursor.execute(
            "INSERT INTO geography.loads (what, source, fingerprint, rows, seconds) VALUES ('areas', 'the tests', '', 0, 0),"
            " ('postcodes', 'the tests', %s, %s, 0) ON CONFLICT (what) DO UPDATE SET fingerprint = EXCLUDED.fingerprint",
            [directory, len(rows)],
        )
    owner.commit()
