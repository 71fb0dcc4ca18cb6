"""Compiled templates are kept for the next process, and never for other sources than their own."""

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from ringfence.base.templates import Kept


class Counted(Environment):
    compiled = 0

    def compile(self, *given, **named):
        type(self).compiled += 1
        return super().compile(*given, **named)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "words.py").write_text("SAID = 1")
    return tmp_path


def shown(room: Path, text: str) -> tuple[str, int]:
    """What the page says in a new process, and whether the template had to be compiled for it."""
    Counted.compiled = 0
    made = Counted(loader=DictLoader({"page": text}), bytecode_cache=Kept(room), autoescape=True)
    return made.get_template("page").render(who="Ann"), Counted.compiled


def kept(room: Path) -> Path:
    (found,) = (room / "__pycache__").iterdir()
    return found


def test_the_next_process_compiles_nothing(room):
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 1)
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 0)


def test_another_text_is_another_template(room):
    shown(room, "Hello {{ who }}")
    assert shown(room, "Good evening {{ who }}") == ("Good evening Ann", 1)
    assert kept(room)


def test_other_code_around_it_may_make_another_page(room):
    shown(room, "Hello {{ who }}")
    (room / "words.py").write_text("SAID = 2")
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 1)


@pytest.mark.parametrize("spoilt", [b"", b"no such thing", None])
def test_what_was_half_written_is_made_anew(room, spoilt):
    shown(room, "Hello {{ who }}")
    whole = kept(room).read_bytes()
    kept(room).write_bytes(whole[: len(whole) // 2] if spoilt is None else spoilt)
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 1)
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 0)


def test_where_nothing_can_be_written_it_is_compiled_each_time(room):
    (room / "__pycache__").write_text("a file where a folder should be")
    assert [shown(room, "Hello {{ who }}") for _ in range(2)] == [("Hello Ann", 1)] * 2


def test_whoever_wants_nothing_compiled_kept_has_nothing_kept(room, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert shown(room, "Hello {{ who }}") == ("Hello Ann", 1)
    assert not (room / "__pycache__").exists()
