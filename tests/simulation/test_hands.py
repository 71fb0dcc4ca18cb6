"""Several processes play what one would."""

from datetime import UTC, datetime

from django.db import connections

from ringfence.geography import resolve
from ringfence.simulation import demonstration
from tests.database import Database
from tests.simulation.conftest import FIGURES, ask, settle

NOW = datetime(2026, 11, 20, 15, 7, 30, tzinfo=UTC)


def test_the_number_of_processes_changes_nothing(django_db_setup: Database, committed: None) -> None:
    """So neither does playing twice: the same seed, the same moment, the same play."""
    found = []
    for processes in (1, 2):
        settle()
        demonstration.play(now=NOW, say=lambda _: None, days=1, cases=25, seed=5, processes=processes)
        found.append(ask(FIGURES))
        django_db_setup.reset(connections.close_all)
    resolve.forget()
    assert found[0] == found[1]
    assert sum(row[5] for row in found[0]) > 10
