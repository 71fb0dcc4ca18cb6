"""What the environment decides, in one typed, frozen class, read once.

Nothing else in Ringfence reads ``os.environ``. Each setting says here what it means; ``docs/reference/settings.md`` is
generated from this file.
"""

import hmac
import json
import os
import secrets as random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

Process = Literal["owner", "web", "residents", "worker", "lab", "cli", "tests"]

PROCESSES: tuple[str, ...] = get_args(Process)

ROLES: dict[str, str] = {
    "owner": "ringfence_owner",
    "web": "ringfence_app",
    "residents": "ringfence_resident",
    "worker": "ringfence_worker",
    "lab": "ringfence_lab",
    "cli": "ringfence_cli",
    "tests": "ringfence_cli",
}
"""The database role that each kind of process signs in as."""

LOGINS: tuple[str, ...] = tuple(sorted(set(ROLES.values())))

SCHEMAS: tuple[str, ...] = ("casework", "audit", "partnerships", "accounts", "geography")
"""One PostgreSQL schema for each app, in the order in which names are looked up."""

CHECKOUT = Path(__file__).resolve().parents[2]


class EnvironmentProblem(Exception):
    """A setting cannot be used; the message says which, why and what to do."""


def _boolean(name: str, text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in words:
        raise EnvironmentProblem(f"{name} is {text!r}; write 1 or 0.")
    return words[text.strip().lower()]


def _port(name: str, text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise EnvironmentProblem(f"{name} is {text!r}; write a port number from 1 to 65535.")
    return int(text)


def _whole(name: str, text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise EnvironmentProblem(f"{name} is {text!r}; write a whole number, 1 or more.")
    return int(text)


def _process(name: str, text: str) -> str:
    if text not in PROCESSES:
        raise EnvironmentProblem(f"{name} is {text!r}; it is one of {', '.join(PROCESSES)}.")
    return text


def _hosts(name: str, text: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in text.split(",") if host.strip())


def _path(name: str, text: str) -> Path:
    return (CHECKOUT / Path(text).expanduser()).resolve()


def _database(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise EnvironmentProblem(f"{name} does not look like postgresql://user:password@host:port/database.")
    return text


def _text(name: str, text: str) -> str:
    return text


def _address(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise EnvironmentProblem(f"{name} is {text!r}; write https://host.")
    return text.rstrip("/")


def _setting(name: str, read: Callable[[str, str], Any], default: Any, shown: str, about: str) -> Any:
    return field(default=default, metadata={"name": name, "read": read, "shown": shown, "about": about})


@dataclass(frozen=True)
class Database:
    """Where the database is, without saying who signs in.

    ``host`` is a name, an address or the folder of a Unix socket; ``options`` are further libpq settings (``sslmode``).
    """

    host: str
    port: int
    name: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Environment:
    """The settings of this process."""

    home: Path = _setting(
        "RINGFENCE_HOME",
        _path,
        CHECKOUT / ".ringfence",
        "`.ringfence` in the checkout",
        "Folder of the embedded PostgreSQL server's data, of its log and of `secrets.json` (readable by its owner "
        "alone). It is made when first needed; without a whole path it is in the checkout.",
    )
    database_url: str | None = _setting(
        "DATABASE_URL",
        _database,
        None,
        "the embedded server",
        "A PostgreSQL server of your own, 15 or newer, as `postgresql://user:password@host:port/database`. The user "
        "must be allowed to create roles, extensions and the database; it is used to prepare the database and for "
        "nothing else: every process signs in with a narrow role of its own.",
    )
    database_name: str | None = _setting(
        "RINGFENCE_DATABASE",
        _text,
        None,
        "`ringfence`, or the one in `DATABASE_URL`",
        "Name of the database on the server.",
    )
    process: Process = _setting(
        "RINGFENCE_PROCESS",
        _process,
        "cli",
        "`cli`",
        "What kind of process this is, hence which database role it signs in as: `owner` (migrations), `web`, "
        "`residents`, `worker`, `lab`, `cli` or `tests`. Ringfence's own commands set it for the processes they start.",
    )
    secret_key_given: str | None = _setting(
        "RINGFENCE_SECRET_KEY",
        _text,
        None,
        "made once, kept in `secrets.json`",
        "Signs sessions and forms. The same on every machine that serves pages.",
    )
    ticket_key_given: str | None = _setting(
        "RINGFENCE_TICKET_KEY",
        _text,
        None,
        "made once, kept in `secrets.json`",
        "Signs the tickets by which the database knows which rows a transaction may see. The same on every machine; "
        "what checks it is written into the database when migrations run.",
    )
    debug: bool = _setting(
        "RINGFENCE_DEBUG",
        _boolean,
        False,
        "`0`",
        "`1` shows full error pages and the command line's tracebacks. Never where real records are.",
    )
    hosts: tuple[str, ...] = _setting(
        "RINGFENCE_HOSTS",
        _hosts,
        ("127.0.0.1", "localhost"),
        "`127.0.0.1,localhost`",
        "Names under which the pages may be asked for, with commas between. Any other name than these two also "
        "makes cookies secure: they then travel by HTTPS only.",
    )
    port: int = _setting(
        "RINGFENCE_PORT",
        _port,
        8000,
        "`8000`",
        "Port of the staff pages on 127.0.0.1.",
    )
    residents_port_given: int | None = _setting(
        "RINGFENCE_RESIDENTS_PORT",
        _port,
        None,
        "two above `RINGFENCE_PORT`",
        "Port of the residents' pages on 127.0.0.1.",
    )
    residents_url_given: str | None = _setting(
        "RINGFENCE_RESIDENTS_URL",
        _address,
        None,
        "`http://127.0.0.1` with that port",
        "Where residents find their pages, as it stands in messages: `https://host`. Any other host than this machine "
        "makes their cookies secure.",
    )
    notify_key: str | None = _setting(
        "RINGFENCE_NOTIFY_KEY",
        _text,
        None,
        "none: nothing leaves the machine",
        "An API key of GOV.UK Notify. With it the worker sends messages; without it they lie in the folder `outbox` of "
        "the home, and the page of the outbox shows them. Only the worker needs it.",
    )
    notify_url: str = _setting(
        "RINGFENCE_NOTIFY_URL",
        _address,
        "https://api.notifications.service.gov.uk",
        "`https://api.notifications.service.gov.uk`",
        "Where GOV.UK Notify answers.",
    )
    notify_text: str = _setting(
        "RINGFENCE_NOTIFY_TEXT",
        _text,
        "",
        "none",
        "The template of GOV.UK Notify for text messages: its content is `((body))`.",
    )
    notify_email: str = _setting(
        "RINGFENCE_NOTIFY_EMAIL",
        _text,
        "",
        "none",
        "The template of GOV.UK Notify for e-mails: its subject is `((subject))`, its content `((body))`.",
    )
    notify_letter: str = _setting(
        "RINGFENCE_NOTIFY_LETTER",
        _text,
        "",
        "none",
        "The template of GOV.UK Notify for letters: its heading is `((subject))`, its content `((body))`.",
    )
    memory: int | None = _setting(
        "RINGFENCE_MEMORY",
        _whole,
        None,
        "a quarter of the machine's",
        "Megabytes that the embedded PostgreSQL server may plan with.",
    )

    @cached_property
    def secrets(self) -> "Secrets":
        """The keys and the passwords of the database roles; made and written on first use.

        The residents' pages have a file of their own, with one password and neither of the keys.
        """
        return Secrets.of_residents(self.home) if self.process == "residents" else Secrets.of(self.home)

    @property
    def secret_key(self) -> str:
        return self.secret_key_given or self.secrets.secret_key

    @property
    def ticket_key(self) -> str:
        if self.process == "residents":
            raise EnvironmentProblem("The residents' pages have no key to sign tickets with.")
        return self.ticket_key_given or self.secrets.ticket_key

    @property
    def role(self) -> str:
        """The database role of this process."""
        return ROLES[self.process]

    @property
    def residents_port(self) -> int:
        """Port of the residents' pages."""
        return self.residents_port_given or self.port + 2

    @property
    def residents_url(self) -> str:
        """Where residents find their pages, without a slash at the end."""
        return self.residents_url_given or f"http://127.0.0.1:{self.residents_port}"

    @property
    def residents_local(self) -> bool:
        """Whether the residents' pages are served to this machine alone, without HTTPS and without a proxy before them."""
        parts = urlsplit(self.residents_url)
        return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def staff_url(self) -> str:
        """Where staff find their pages, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}" if self.local else f"https://{self.hosts[0]}"

    @property
    def local(self) -> bool:
        """Whether the pages are served to this machine alone, without HTTPS."""
        return set(self.hosts) <= {"127.0.0.1", "localhost", "::1"}

    @property
    def database(self) -> Database:
        """Where the database is: ``DATABASE_URL``, or the embedded server as it last started."""
        if self.database_url:
            parts = urlsplit(self.database_url)
            options = dict(parse_qsl(parts.query))
            host = options.pop("host", None) or unquote(parts.hostname or "localhost")
            port = int(options.pop("port", None) or parts.port or 5432)
            name = self.database_name or unquote(parts.path.lstrip("/"))
            return Database(host, port, name, tuple(sorted(options.items())))
        name = self.database_name or "ringfence"
        try:
            here = json.loads((self.home / "server.json").read_text())
            return Database(here["host"], here["port"], name)
        except (FileNotFoundError, ValueError, KeyError):
            return Database("127.0.0.1", 5432, name)

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> "Environment":
        """Read the settings from ``variables`` (by default the process's own).

        An empty value counts as not given. Raises EnvironmentProblem for one that cannot be used.
        """
        given = os.environ if variables is None else variables
        values = {}
        for each in fields(cls):
            text = given.get(each.metadata["name"], "")
            if text:
                values[each.name] = each.metadata["read"](each.metadata["name"], text)
        return cls(**values)


@dataclass(frozen=True)
class Secrets:
    """What ``secrets.json`` keeps: two keys and a password for each database role and for the server's superuser."""

    secret_key: str = field(repr=False)
    ticket_key: str = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, home: Path) -> "Secrets":
        """Read the secrets of a home; make what is missing and write it, whole or not at all, with mode 0600."""
        path = home / "secrets.json"
        for _ in range(2):
            known = cls._load(path)
            if known is None or any(name not in known["passwords"] for name in (*LOGINS, "postgres")):
                cls._write(path, known)
        complete = cls._load(path)
        if complete is None:
            raise EnvironmentProblem(f"{path} could not be written; check the folder's permissions.")
        return cls(**complete)

    def give_residents(self, home: Path) -> None:
        """Write what the residents' pages need, and no more, beside the secrets."""
        narrow = {
            "secret_key": hmac.digest(self.secret_key.encode(), b"residents", "sha256").hex(),
            "ticket_key": "",
            "passwords": {ROLES["residents"]: self.passwords[ROLES["residents"]]},
        }
        path = home / "residents.json"
        draft = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(narrow, out, indent=1)
        os.replace(draft, path)

    @classmethod
    def of_residents(cls, home: Path) -> "Secrets":
        """Read what ``give_residents`` wrote."""
        known = cls._load(home / "residents.json")
        if known is None:
            raise EnvironmentProblem(f"{home / 'residents.json'} is not there; ./run writes it when it starts.")
        return cls(**known)

    @staticmethod
    def _load(path: Path) -> dict[str, Any] | None:
        try:
            known = json.loads(path.read_text())
            return {key: known[key] for key in ("secret_key", "ticket_key", "passwords")}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as problem:
            raise EnvironmentProblem(
                f"{path} is damaged. Restore it from a backup: it has the keys and the database's passwords."
            ) from problem

    @staticmethod
    def _write(path: Path, known: dict[str, Any] | None) -> None:
        made = known or {
            "secret_key": random.token_urlsafe(48),
            "ticket_key": random.token_urlsafe(48),
            "passwords": {},
        }
        for name in (*LOGINS, "postgres"):
            made["passwords"].setdefault(name, random.token_urlsafe(24))
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as out:
                json.dump(made, out, indent=1)
                out.flush()
                os.fsync(out.fileno())
            if known is None:
                # A link fails if another process was first: its secrets then stand.
                with suppress(FileExistsError):
                    os.link(draft, path)
            else:
                os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


env = Environment.read()
