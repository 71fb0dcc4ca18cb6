"""Starting and keeping up: what is refused, and what happens to the processes."""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli import children
from ringfence.cli.assets import local
from ringfence.cli.serve import somebody
from tests.town import Town

CHECKOUT = Path(__file__).resolve().parents[2]


def serve(home: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ringfence.cli", "serve", *arguments]
    environment = {**os.environ, "RINGFENCE_HOME": str(home), **variables}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def free_port() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return str(trial.getsockname()[1])


def refused(done: "subprocess.CompletedProcess[str]", said: str) -> None:
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_taken_port_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(serve(tmp_path, RINGFENCE_PORT=str(port)), f"Port {port} of 127.0.0.1 is taken")
        done = serve(tmp_path, RINGFENCE_PORT=free_port(), RINGFENCE_RESIDENTS_PORT=str(port))
        refused(done, f"choose another port: RINGFENCE_RESIDENTS_PORT={port + 1} ./run")
    assert [each.name for each in tmp_path.iterdir()] == ["serve.lock"]


def test_a_home_is_served_once_and_the_second_says_where_the_first_one_is(tmp_path: Path) -> None:
    with open(tmp_path / "serve.lock", "w") as lock, socket.socket() as taken:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(": http://127.0.0.1:8003")
        lock.flush()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = serve(tmp_path, RINGFENCE_PORT=str(taken.getsockname()[1]))
        refused(done, f"already running on {tmp_path}: http://127.0.0.1:8003. Stop it first")


def test_a_setting_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    refused(serve(tmp_path, RINGFENCE_PORT="web"), "RINGFENCE_PORT is 'web'")


def test_what_is_for_real_use_is_deleted_only_when_somebody_at_the_terminal_says_so(tmp_path: Path) -> None:
    (tmp_path / "use.json").write_text('{"use": "real"}')
    screen, terminal = os.openpty()
    os.write(screen, b"yes\n")
    command = [sys.executable, "-m", "ringfence.cli", "serve", "--fresh"]
    environment = {**os.environ, "RINGFENCE_HOME": str(tmp_path)}
    with open(tmp_path / "serve.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that nothing begins, whatever was understood
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environment, stdin=terminal, capture_output=True, text=True, check=False
        )
    os.close(screen)
    os.close(terminal)
    assert (done.returncode, done.stderr) == (1, "ringfence: Nothing was deleted.\n")
    assert "Type delete to go on" in done.stdout


def test_what_is_for_real_use_is_not_deleted_where_nobody_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "use.json").write_text('{"use": "real"}')
    with open(tmp_path / "serve.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that nothing begins, whatever was understood
        refused(serve(tmp_path, "--fresh", RINGFENCE_PORT=free_port()), "Nothing was deleted")


def test_a_deletion_that_was_killed_is_done_by_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "use.json").write_text('{"use": "played"}')
    program = (
        "from ringfence.cli.postgres import Server; from ringfence.cli.serve import begin_anew; begin_anew(Server())"
    )
    environment = {**os.environ, "RINGFENCE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 1, "there is no server to delete from"
    assert json.loads((tmp_path / "use.json").read_text()) == {"use": "begun"}


def test_a_server_of_ones_own_is_never_emptied(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/ringfence"
    refused(serve(tmp_path, "--fresh", RINGFENCE_PORT=free_port(), DATABASE_URL=url), "drop the database")


def test_wrong_use_is_2(tmp_path: Path) -> None:
    assert serve(tmp_path, "--fesh").returncode == 2


def waited(child: children.Child) -> int:
    assert child.process is not None
    return child.process.wait()


def test_a_child_that_ends_is_started_again_after_a_pause_that_grows() -> None:
    said: list[str] = []
    child = children.Child("door", [sys.executable, "-c", "raise SystemExit(3)"], {})
    child.start()
    assert child.process is not None
    first = child.process.pid
    waited(child)
    child.started -= child.pause
    child.watch(said.append)
    assert said == ["The door ended with code 3; starting it again."]
    assert child.process.pid != first
    assert child.pause == 2 * children.FIRST_PAUSE
    waited(child)
    child.watch(said.append)
    assert len(said) == 1
    child.started -= children.WELL + 1
    child.watch(said.append)
    assert child.pause == children.FIRST_PAUSE
    waited(child)


def test_children_are_told_to_stop_and_their_end_is_awaited() -> None:
    program = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint(flush=True)\nsignal.pause()"
    )
    kept = [children.Child("one", [sys.executable, "-c", program], {}) for _ in range(2)]
    for child in kept:
        child.start()
    children.stop(kept)
    assert all(child.process is not None and child.process.poll() in (7, -signal.SIGTERM) for child in kept)


def test_what_a_killed_child_started_ends_before_the_next_start() -> None:
    program = """
import signal, subprocess, sys
own = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(own.pid, flush=True)
signal.pause()
"""
    child = children.Child("door", [sys.executable, "-c", program], {})
    reading, writing = os.pipe()
    with os.fdopen(reading) as told:
        before = os.dup(1)
        os.dup2(writing, 1)
        try:
            child.start()
        finally:
            os.dup2(before, 1)
            os.close(before)
        grandchild = os.pidfd_open(int(told.readline()))
        assert child.process is not None
        child.process.kill()
        child.process.wait()
        child.started -= child.pause
        child.watch(lambda message: None)
        os.close(writing)
        try:
            ended, _, _ = select.select([grandchild], [], [], 30)
            assert ended
        finally:
            os.close(grandchild)
            children.stop([child])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_a_killed_parent_leaves_no_child_behind() -> None:
    program = """
import json, sys, signal
from ringfence.cli.children import Child
child = Child("one", [sys.executable, "-c", "import signal; signal.pause()"], {})
child.start()
print(json.dumps(child.process.pid), flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = json.loads(parent.stdout.readline())
        watched = os.pidfd_open(pid)
        parent.kill()
    try:
        ended, _, _ = select.select([watched], [], [], 30)
        assert ended
    finally:
        os.close(watched)


def test_the_stylesheet_asks_nothing_of_another_host() -> None:
    css = "a{b:c}@font-face{font-family:F;src:url(https://h.example/f.woff2)}d{background:url(/assets/images/x.svg)}"
    assert local(css) == "a{b:c}d{background:url(assets/images/x.svg)}"


def test_the_built_stylesheet_is_local() -> None:
    css = (CHECKOUT / "ringfence" / "web" / "static" / "ringfence" / "nhsuk-frontend.min.css").read_text()
    assert "@font-face" not in css
    assert "url(http" not in css


def test_the_first_steps_are_for_a_record_without_people(db: None) -> None:
    assert not somebody()


def test_and_not_told_again_once_somebody_can_sign_in(real_town: Town) -> None:
    assert somebody()
