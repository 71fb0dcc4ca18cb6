"""The staff pages' templates pass over what is not there, so nothing else says that a name of Python's has gone."""

import re
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment

import ringfence

ROOT = Path(ringfence.__file__).parent
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
