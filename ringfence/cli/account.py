"""The account that the embedded PostgreSQL runs as: one of its own when Ringfence is started by root, whom it refuses.

For anybody else the server runs as they do, and nothing here has an effect.
"""

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

SYSTEM_USER = "ringfence-db"


class PostgresProblem(Exception):
    """The server cannot be used; the message says why and what to do."""


def server_user() -> pwd.struct_passwd:
    """The account that the server runs as, made when root has none yet."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    made = subprocess.run(
        [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/",
            "--shell",
            "/bin/false",
            SYSTEM_USER,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise PostgresProblem(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made ({made.stderr.strip()}). "
            f"Start Ringfence as another user, or set DATABASE_URL."
        ) from None


def drop() -> dict[str, Any]:
    """What makes a child process run as the server's user; nothing unless this is root."""
    if os.geteuid() != 0:
        return {}
    who = server_user()
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": [], "umask": 0o077}


def may_run(program: Path) -> bool:
    """Whether the server's user may run a program."""
    try:
        return (
            subprocess.run([program, "--version"], capture_output=True, cwd="/", check=False, **drop()).returncode == 0
        )
    except OSError:
        return False


def may_enter(folder: Path) -> bool:
    """Whether the server's user gets into a folder (of which the nearest existing parent is asked)."""
    while not folder.exists():
        folder = folder.parent
    return subprocess.run(["test", "-x", folder], cwd="/", check=False, **drop()).returncode == 0


def own_folder(folder: Path) -> None:
    """Make a folder that belongs to the server's user; refuse one that is somebody else's."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    owner = server_user().pw_uid if os.geteuid() == 0 else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in (owner, os.geteuid()):
        raise PostgresProblem(f"{folder} belongs to somebody else; remove it, or set RINGFENCE_HOME to a shorter path.")
    give(folder)


def give(path: Path) -> None:
    """Give a path to the server's user; nothing unless this is root."""
    if os.geteuid() == 0:
        os.chown(path, server_user().pw_uid, server_user().pw_gid)
