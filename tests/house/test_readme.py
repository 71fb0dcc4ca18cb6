"""What the README and the other documents promise: commands that exist, roles as they are, links that lead somewhere."""

import re
import runpy
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ringfence.rules.access import ROLES, Member, person_scope
from ringfence.rules.handover import TeamKind
from ringfence.simulation import cast
from ringfence.web.visitor import Place, Visitor
from tests.commands import APPLICATION, RUN, made

CHECKOUT = Path(__file__).resolve().parents[2]

README = (CHECKOUT / "README.md").read_text()

DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])

#: A command in a document: in backticks or on a line of its own, up to a comment, a pipe or the end.
COMMAND = re.compile(r"\./run(?: [^`\n|;#(&>]+)?")

KINDS = {
    "national_tracer": TeamKind.NATIONAL,
    "national_lead": TeamKind.NATIONAL,
    "local_tracer": TeamKind.LOCAL,
    "local_lead": TeamKind.LOCAL,
    "health_protection": TeamKind.HEALTH_PROTECTION,
}


def commands(text: str) -> list[str]:
    """The commands in a document, without the words of a sentence around those that stand bare in prose."""
    inside = re.findall(r"`(?:[A-Z_]+=\S+ )*(\./run[^`]*)`", text)
    lines = re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(\./run[^\n#]*)$", text, re.MULTILINE)
    return [COMMAND.match(each).group().strip() for each in [*inside, *lines]]  # type: ignore[union-attr]


EVERY_COMMAND = sorted({command for path in DOCUMENTS for command in commands(path.read_text())})


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    part = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def doors() -> set[str]:
    found: dict[str, Any] = runpy.run_path(str(CHECKOUT / "run"))["DOORS"]
    return set(found)


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_in_the_documents_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    options = {word.split("=")[0] for word in words if word.startswith("--")}
    door = words[0] if words and not words[0].startswith("-") else "serve"
    if door == "ringfence":
        _is_a_command(words[1:], options)
    elif door == "serve":
        _is_a_command(["serve"], options - {"--help"})
    else:
        assert door in doors()


def _is_a_command(words: list[str], options: set[str]) -> None:
    """Follow the words down the command line's groups; the options must be among those of the command they end at."""
    at: Any = made(APPLICATION)
    for word in words:
        if not hasattr(at, "commands") or not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        assert word in at.commands, f"there is no command {word}"
        at = at.commands[word]
    known = {name for parameter in at.params for name in parameter.opts} | {"--help"}
    assert options <= known


def test_the_commands_of_the_readme_answer_when_asked_for_help() -> None:
    for command in {command for command in commands(README) if command.startswith("./run ringfence ")}:
        words = [word for word in shlex.split(command)[2:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        answer = RUN.invoke(APPLICATION, [*words, "--help"])
        assert answer.exit_code == 0, command
        assert "Usage:" in answer.output


def test_every_door_and_every_command_is_in_the_readme() -> None:
    named = {tuple(shlex.split(command)[1:2]) for command in commands(README)}
    assert {(door,) for door in doors()} <= named
    top: Any = made(APPLICATION)
    shown = {name for name, command in top.commands.items() if not command.hidden} - {"serve", "docs"}
    assert shown == {shlex.split(command)[2] for command in commands(README) if command.startswith("./run ringfence ")}


def test_the_roles_are_those_of_the_rules() -> None:
    assert [name for name, *_ in rows("Who can sign in")] == [role.name for role in ROLES.values()]


def test_who_signs_in_is_in_the_cast_of_the_demonstration() -> None:
    short, region = cast.FIRST_THREE[0], cast.HEALTH_PROTECTION[0][1]
    expected = {role: f"{place}.{short}" for place, role, _ in cast.SIGN_IN} | {
        role: place for place, role in cast.NATION
    }
    expected["health_protection"] = f"hpt.{region}"
    told = [address for _, address, *_ in rows("Who can sign in")]
    assert told == [f"`{expected[role]}@example.org`" for role in ROLES]
    assert f"`{cast.PASSWORD}`" in README
    for other in (*cast.FIRST_THREE[1:], *(name for _, name in cast.HEALTH_PROTECTION[1:])):
        assert f"`{other}`" in README


def test_the_pages_of_each_role_are_its_menu() -> None:
    for (_, _, pages, _), (key, role) in zip(rows("Who can sign in"), ROLES.items(), strict=True):
        assert pages.split(", ") == [link.text for link in _visitor(key).menu], role.name


def _visitor(role: str) -> Visitor:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    kind = KINDS.get(role)
    team = 1 if kind else None
    scope = person_scope(1, [Member(role, team, "E06000008", now)], now)
    return Visitor(1, "Somebody", scope, (Place(role, "Here", "E06000008", team, kind or "", None),))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_links_between_the_documents_lead_somewhere(path: Path) -> None:
    for to in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in to:
            continue
        target, _, place = to.partition("#")
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), f"{to} is not there"
        if place:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
            assert place in anchors, f"{to} leads to no heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_files_named_in_the_documents_are_there(path: Path) -> None:
    for name in re.findall(r"`([\w/.-]+/[\w.-]+\.(?:py|jinja|csv|toml|md))`", path.read_text()):
        assert any((place / name).exists() for place in (CHECKOUT, CHECKOUT / "ringfence")), f"{name} is not there"
