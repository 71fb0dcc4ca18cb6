"""``./run check [NAME...]`` changes nothing; ``./run fix`` mends what a machine can mend."""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

#: Each lock and what it is compiled from.
LOCKS = {"base": ["base.in"], "dev": ["dev.in", "base.in"], "node": ["node.in"]}

#: Each document made from the code, and the command that prints it.
DOCUMENTS = {
    "docs/reference/settings.md": ["docs", "settings"],
    "docs/reference/line-list.md": ["docs", "line-list"],
}

#: Package registries: a file names packages, and each machine knows where it gets them from.
REGISTRIES = re.compile(r"pyp[i]\.org|pythonhos[t]ed|npm[j]s\.(org|com)|deb\.debia[n]|debia[n]\.org/debian")

#: Folders of one machine.
PLACES = re.compile(r"(?<![\w.])/(home|Users|root)/\w")

Problems = list[str]


def _run(*command: str) -> Problems:
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def _module(*command: str) -> Problems:
    return _run(sys.executable, "-m", *command)


def lint() -> Problems:
    return _module("ruff", "check", "--output-format", "concise", ".")


def layout() -> Problems:
    return _module("ruff", "format", "--check", "--output-format", "concise", ".")


def types() -> Problems:
    return _module("mypy", "--no-error-summary")


def imports() -> Problems:
    return _run(str(Path(sys.executable).with_name("lint-imports")), "--no-logo")


def migrations() -> Problems:
    """Whether the migrations make what the models say. No server is asked, which Django would warn of."""
    command = ["-W", "ignore::RuntimeWarning", "-m", "django", "makemigrations", "--check", "--dry-run"]
    return _run(sys.executable, *command, "--settings", "ringfence.config.settings")


def stamp(lock: str) -> str:
    """The last line of a lock: of which requirements it is the lock."""
    whole = hashlib.sha256(b"".join((CHECKOUT / "requirements" / name).read_bytes() for name in LOCKS[lock]))
    return f"# compiled from {' and '.join(LOCKS[lock])}, sha256 {whole.hexdigest()}"


def locks() -> Problems:
    found = [
        f"requirements/{lock}.txt is not the lock of the present {' and '.join(LOCKS[lock])}; ./run fix compiles it"
        for lock in LOCKS
        if not (CHECKOUT / "requirements" / f"{lock}.txt").read_text().endswith(stamp(lock) + "\n")
    ]
    wanted = json.loads((CHECKOUT / "package.json").read_text())
    locked = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    found += [
        f"package-lock.json does not have the {kind} of package.json; run npm install"
        for kind in ("dependencies", "devDependencies")
        if wanted.get(kind) != locked[""].get(kind)
    ]
    found += [f"package-lock.json says where {name} came from" for name, each in locked.items() if "resolved" in each]
    return found


def documents() -> Problems:
    return [
        f"{name} is not what `ringfence {' '.join(command)}` prints; ./run fix writes it"
        for name, command in DOCUMENTS.items()
        if not (CHECKOUT / name).exists() or (CHECKOUT / name).read_text() != _printed(command)
    ]


def _printed(command: list[str]) -> str:
    return subprocess.check_output([sys.executable, "-m", "ringfence.cli", *command], cwd=CHECKOUT, text=True)


def words() -> Problems:
    """Names of registries and of one machine's folders, in any file of the repository."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=CHECKOUT, text=True)
    found = []
    for name in filter(None, listed.split("\0")):
        path = CHECKOUT / name
        try:
            lines = path.read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, line in enumerate(lines, 1):
            if REGISTRIES.search(line):
                found.append(f"{name}:{number} names a package registry")
            if str(CHECKOUT) in line or PLACES.search(line):
                found.append(f"{name}:{number} names a folder of one machine")
    return found


CHECKS: dict[str, Callable[[], Problems]] = {
    "types": types,
    "lint": lint,
    "layout": layout,
    "imports": imports,
    "migrations": migrations,
    "locks": locks,
    "documents": documents,
    "words": words,
}


def check(names: list[str]) -> int:
    """Run the checks of these names, or all; 0 when none has a problem, 2 when there is no such check."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"There is no check {unknown[0]}; there are {', '.join(CHECKS)}.", file=sys.stderr)
        return 2

    def timed(name: str) -> tuple[str, Problems, float]:
        began = time.monotonic()
        return name, CHECKS[name](), time.monotonic() - began

    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, problems, seconds in pool.map(timed, names or CHECKS):
            print(f"{'FAILED' if problems else 'ok':7}{name} ({seconds:.1f} s)", flush=True)
            for problem in problems:
                print("  " + problem.replace("\n", "\n  "))
            failed += bool(problems)
    return 1 if failed else 0


def fix() -> int:
    """Mend what can be mended, then check."""
    _module("ruff", "check", "--fix", "--quiet", ".")
    _module("ruff", "format", "--quiet", ".")
    for lock in LOCKS:
        path = CHECKOUT / "requirements" / f"{lock}.txt"
        if not path.exists() or not path.read_text().endswith(stamp(lock) + "\n"):
            problems = compile_lock(lock)
            if problems:
                print(problems[0], file=sys.stderr)
                return 1
    for name, command in DOCUMENTS.items():
        (CHECKOUT / name).parent.mkdir(parents=True, exist_ok=True)
        (CHECKOUT / name).write_text(_printed(command))
    return check([])


def compile_lock(lock: str) -> Problems:
    """Compile a lock anew; versions in it stay as they are where the requirements allow."""
    path = CHECKOUT / "requirements" / f"{lock}.txt"
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    plain = ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "./run fix"]
    files = ["--output-file", f"requirements/{lock}.txt", f"requirements/{lock}.in"]
    problems = _module(*command, *plain, *files)
    if not problems:
        path.write_text(path.read_text() + stamp(lock) + "\n")
    return problems


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--fix"]:
        return fix()
    return check(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
