"""Each import contract goes red when something breaks it. That they hold is seen by ``./run check imports``."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

#: What is planted, where, and words of what the linter then says.
VIOLATIONS = [
    (
        "rules/planted.py",
        "import ringfence.casework.models",
        "ringfence.rules is not allowed to import ringfence.casework",
    ),
    ("rules/planted.py", "import django", "ringfence.rules is not allowed to import django"),
    ("rules/planted.py", "import ringfence.base.env", "ringfence.rules is not allowed to import ringfence.base"),
    ("base/planted.py", "import ringfence.rules.access", "ringfence.base is not allowed to import ringfence.rules"),
    ("methods/planted.py", "import psycopg", "ringfence.methods is not allowed to import psycopg"),
    ("feeds/planted.py", "import socket", "ringfence.feeds is not allowed to import socket"),
    ("geography/planted.py", "import ringfence.accounts.models", "ringfence.geography is not allowed to import"),
    (
        "audit/planted.py",
        "import ringfence.accounts.models",
        "ringfence.audit is not allowed to import ringfence.accounts",
    ),
    ("queries/planted.py", "import ringfence.actions", "ringfence.queries is not allowed to import ringfence.actions"),
    ("actions/planted.py", "import ringfence.web.urls", "ringfence.actions is not allowed to import ringfence.web"),
    ("web/planted.py", "import ringfence.cli", "ringfence.web is not allowed to import ringfence.cli"),
    (
        "residents/planted.py",
        "import ringfence.queries.traces",
        "ringfence.residents is not allowed to import ringfence.queries",
    ),
    ("residents/planted.py", "import ringfence.web.forms", "ringfence.residents is not allowed to import"),
    ("gateways/planted.py", "import psycopg", "ringfence.gateways is not allowed to import psycopg"),
    ("gateways/planted.py", "import ringfence.rules.messages", "ringfence.gateways is not allowed to import"),
    ("cellar/__init__.py", "", "cellar"),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says when all of it is planted at once."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "static", "data", "templates")
    shutil.copytree(CHECKOUT / "ringfence", folder / "ringfence", ignore=ignored)
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    for where, what, _ in VIOLATIONS:
        planted = folder / "ringfence" / where
        planted.parent.mkdir(exist_ok=True)
        with planted.open("a") as source:
            source.write(what + "\n")
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-logo"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("where", "what", "words"), VIOLATIONS, ids=[f"{where}:{what}" for where, what, _ in VIOLATIONS]
)
def test_a_planted_violation_is_found(said: str, where: str, what: str, words: str) -> None:
    assert words in said


def imported(source: str) -> set[str]:
    """The first names of all modules that a source text imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def foreign(source: str) -> set[str]:
    """What a rule may not import: anything but the standard library and other rules."""
    return {
        name
        for name in imported(source)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("ringfence.rules")
    }


@pytest.mark.parametrize("path", sorted((CHECKOUT / "ringfence" / "rules").glob("**/*.py")), ids=lambda path: path.name)
def test_rules_need_nothing_but_the_standard_library(path: Path) -> None:
    assert foreign(path.read_text()) == set()


@pytest.mark.parametrize("source", ["import numpy", "from numpy import array", "from ringfence.base.env import env"])
def test_a_rule_that_imports_more_is_found(source: str) -> None:
    assert foreign(source)
