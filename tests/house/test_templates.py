"""The staff pages' templates pass over what is not there, so nothing else says that a name of Python's has gone."""

import re
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment

import ringfence

ROOT = Path(ringfence.__file__).parent
#: A class of the pages' own; one that ends in -- is finished from a value.
CLASS = re.compile(r"\brf-[\w-]+")
#: What Python's source names: functions and properties, fields, what is passed by name, keys.
NAMED = re.compile(r"""def (\w+)|\n    (\w+): |(\w+)=|"(\w+)\"""")
#: Of Python's own values, of Django's requests, forms and messages, and of Jinja's loops.
OTHERS = {*dir(str), *dir(list), *dir(dict), "isoformat", "getlist", "get_full_path", "level_tag"}
OTHERS |= {"first", "last", "index", "index0"}


def test_templates_ask_for_names_that_there_are() -> None:
    rooms = ("rules", "queries", "geography", "web")
    python = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    known = OTHERS.union(*NAMED.findall(python))
    missing = []
    for path in sorted((ROOT / "web" / "templates").rglob("*.jinja")):
        tokens = [(kind, text) for _, kind, text in Environment().lex(path.read_text()) if kind != "whitespace"]
        own = {text.strip('"') for kind, text in tokens if kind == "string"}
        asked = {text for (_, before), (kind, text) in pairwise(tokens) if before == "." and kind == "name"}
        missing += [f"{path.name}: {name}" for name in sorted(asked - known - own)]
    assert missing == []


def test_every_class_has_a_rule_and_every_rule_a_class() -> None:
    css = (ROOT / "web" / "static" / "pages" / "pages.css").read_text()
    ruled = {name.lstrip(".") for name in re.findall(r"\.rf-[\w-]+", css)}
    sources = [
        path for suffix in ("jinja", "js", "py") for path in ROOT.rglob(f"*.{suffix}") if "nhsuk" not in path.name
    ]
    used = {name for path in sources for name in CLASS.findall(path.read_text())}
    begun = tuple(name for name in used if name.endswith("--"))
    assert [name for name in begun if not any(rule.startswith(name) for rule in ruled)] == []
    assert used.difference(begun) - ruled == set()
    assert {rule for rule in ruled - used if not rule.startswith(begun)} == set()
