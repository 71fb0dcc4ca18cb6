"""`./run`: what it says when it cannot set up, and that the next run recovers."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]

#: A lock with nothing in it installs without a network.
EMPTY_LOCK = "# nothing\n"

IMPOSSIBLE_LOCK = "ringfence-has-no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with `run` and an empty lock, whose pages' design is already there."""
    shutil.copy(CHECKOUT / "run", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text(EMPTY_LOCK)
    shutil.copy(CHECKOUT / "package-lock.json", tmp_path)
    assets = tmp_path / "ringfence" / "cli" / "assets.py"
    assets.parent.mkdir(parents=True)
    shutil.copy(CHECKOUT / "ringfence" / "cli" / "assets.py", assets)
    (tmp_path / "ringfence" / "cli" / "__init__.py").touch()
    (tmp_path / "ringfence" / "__init__.py").touch()
    (tmp_path / "ringfence" / "cli" / "__main__.py").write_text("print('arrived')\n")
    return tmp_path


def run(checkout: Path, before: str = "", *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `./run ringfence` (or other arguments) after a line of Python that changes what it meets."""
    program = f"import runpy, shutil, sys; sys.argv = ['run', *{list(arguments or ['ringfence'])!r}]; {before}\n"
    program += "runpy.run_path('run', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        env={"PATH": "/nowhere", "PIP_NO_INDEX": "1", "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def has_design(checkout: Path) -> None:
    static = checkout / "ringfence" / "web" / "static" / "ringfence"
    static.mkdir(parents=True)
    digest = "import runpy; from pathlib import Path; run = runpy.run_path('run');"
    digest += "print(run['digest'](Path('package-lock.json'), Path('ringfence/cli/assets.py')), end='')"
    done = subprocess.check_output([sys.executable, "-c", digest], cwd=checkout, text=True)
    (static / "installed").write_text(done)


def has_packages(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    stamp = hashlib.sha256((checkout / "requirements" / "base.txt").read_bytes()).hexdigest()
    (checkout / ".venv" / "installed-base").write_text(stamp)


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_which_python_it_needs(checkout: Path) -> None:
    assert "needs Python 3.11 or newer, and this is 3.9" in one_line(run(checkout, "sys.version_info = (3, 9, 2)"))


def test_an_old_python_can_read_it() -> None:
    compile((CHECKOUT / "run").read_text(), "run", "exec", dont_inherit=True, flags=0)
    import ast

    ast.parse((CHECKOUT / "run").read_text(), feature_version=(3, 6))


def test_it_names_the_debian_package_that_is_missing(checkout: Path) -> None:
    assert "apt install python3-venv" in one_line(run(checkout, "sys.modules['ensurepip'] = None"))


def test_it_says_that_the_disk_is_full(checkout: Path) -> None:
    full = "usage = shutil.disk_usage('.'); shutil.disk_usage = lambda path: usage._replace(free=5_000_000)"
    assert "the disk has 5 MB left" in one_line(run(checkout, full))
    assert not (checkout / ".venv").exists()


def test_a_folder_of_somebody_else_is_said(checkout: Path) -> None:
    before = (
        "import builtins\n"
        "def closed(path, *how): raise PermissionError(13, 'Permission denied', path)\n"
        "builtins.open = closed"
    )
    said = one_line(run(checkout, before))
    assert "/.setup.lock: Permission denied. Ringfence sets itself up in its folder: run it as the user whose" in said


def test_an_unknown_door_is_wrong_use(checkout: Path) -> None:
    done = run(checkout, "", "tset")
    assert done.returncode == 2
    assert "there is no './run tset'" in done.stderr
    assert "./run test" in done.stderr


def test_files_are_named_from_where_somebody_stands(checkout: Path) -> None:
    has_packages(checkout)
    has_design(checkout)
    program = "import json, os, ringfence; print(os.getcwd(), ringfence.__file__, sep='\\n')"
    (checkout / "ringfence" / "cli" / "__main__.py").write_text(program)
    elsewhere = checkout / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit('a file beside the line lists was run')")
    done = subprocess.run(
        [sys.executable, "../run", "ringfence"], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == ([str(elsewhere), str(checkout / "ringfence" / "__init__.py")], "")


def test_what_a_killed_set_up_left_running_is_waited_for(checkout: Path) -> None:
    has_packages(checkout)
    os.mkfifo(checkout / "go-on")
    for name in ("node", "npm"):
        (checkout / name).write_text("#!/bin/sh\nread word < go-on\n")
        (checkout / name).chmod(0o755)
    program = [sys.executable, "run", "ringfence"]
    environment = {"PATH": f"{checkout}:{os.environ['PATH']}"}
    with (
        subprocess.Popen(program, cwd=checkout, env=environment, stdout=subprocess.DEVNULL) as first,
        # Opens as soon as npm reads from it.
        open(checkout / "go-on", "w") as npm,
        open(checkout / ".setup.lock") as lock,
    ):
        first.kill()
        first.wait()
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        npm.close()
        fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.mark.nightly
def test_an_interrupted_set_up_is_made_anew(checkout: Path) -> None:
    has_design(checkout)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()
    done = run(checkout)
    assert done.returncode == 0, done.stderr
    assert "interrupted" in done.stdout
    assert done.stdout.endswith("arrived\n")

    done = run(checkout)
    assert (done.returncode, done.stdout) == (0, "arrived\n")


@pytest.mark.nightly
def test_packages_that_cannot_be_had_are_one_line_and_the_next_run_recovers(checkout: Path) -> None:
    has_design(checkout)
    lock = checkout / "requirements" / "base.txt"
    lock.write_text(IMPOSSIBLE_LOCK)
    assert "installing the packages failed: ERROR" in one_line(run(checkout))
    (checkout / ".venv" / "half").touch()
    lock.write_text(EMPTY_LOCK)
    assert run(checkout).stdout.endswith("arrived\n")
    assert not (checkout / ".venv" / "half").exists()
