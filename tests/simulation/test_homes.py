"""Where invented people live: in homes, and not in the boxes of a sorting office."""

from ringfence.queries import plays
from tests.database import Connection

LEICESTER, OADBY = "E06000016", "E07000135"

_POSTCODES = """
INSERT INTO geography.postcodes (code, area, easting, northing)
SELECT outward || ' ' || lpad(n::text, 3, '0'), area, CASE WHEN boxes THEN 458000 ELSE 450000 + 100 * n END, 304000 + at
FROM generate_series(1, 400) n,
    (VALUES ('LE5', 'E06000016', false, 0), ('LE87', 'E06000016', true, 50),
            ('LE2', 'E07000135', false, 100), ('LE41', 'E07000135', true, 150)) p (outward, area, boxes, at)
"""


def test_nobody_lives_where_a_sorting_office_has_its_boxes(committed: None, owner: Connection) -> None:
    owner.execute("DELETE FROM geography.postcodes")
    owner.execute(_POSTCODES)
    found = plays.homes([LEICESTER, OADBY], busy=[LEICESTER])
    assert {code.split()[0] for code in found[LEICESTER]} == {"LE5"}
    assert len(found[LEICESTER]) == 400
    assert {code.split()[0] for code in found[OADBY]} == {"LE2"}
    assert 20 <= len(found[OADBY]) < 100
    assert found == plays.homes([LEICESTER, OADBY], busy=[LEICESTER])
