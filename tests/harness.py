"""Loaded before Django's settings: the tests have a home, a server and databases of their own.

The name of the database tells runs apart, so that two runs in one checkout leave each other alone.
"""

import os

import pytest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("RINGFENCE_")]:
    if not name.startswith("RINGFENCE_TEST_"):
        del os.environ[name]

os.environ.setdefault("RINGFENCE_TEST_RUN", str(os.getpid()))
os.environ.setdefault("RINGFENCE_TEST_HOME", os.path.join(CHECKOUT, ".ringfence", "tests"))
os.environ["RINGFENCE_HOME"] = os.environ["RINGFENCE_TEST_HOME"]
os.environ["RINGFENCE_PROCESS"] = "tests"
os.environ["RINGFENCE_MEMORY"] = "1024"
os.environ["RINGFENCE_DATABASE"] = "test_{}_{}".format(
    os.environ["RINGFENCE_TEST_RUN"], os.environ.get("PYTEST_XDIST_WORKER", "main")
)
os.environ["DJANGO_SETTINGS_MODULE"] = "ringfence.config.settings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests marked nightly run only when they are asked for."""
    parser.addoption("--nightly", action="store_true", help="run the long tests, and no others")
