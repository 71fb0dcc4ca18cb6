"""The command line: ``ringfence COMMAND``.

Each module in ``ringfence.cli.commands`` adds its commands in ``register(app)``; it imports Django and the apps inside
the commands, after ``session.database()`` has set them up.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with rows in quarantine.
"""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

FAILED, QUARANTINED = 1, 3


def application() -> typer.Typer:
    """The program with every command."""
    app = typer.Typer(
        name="ringfence",
        help="Contact tracing on one shared record.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    from ringfence.cli import commands

    for module in sorted(each.name for each in iter_modules(commands.__path__)):
        import_module(f"{commands.__name__}.{module}").register(app)
    return app


def main() -> None:
    """Run the command line; a failure is one line that says what, where and what to do."""
    try:
        # As it was called: by ./run, or by the name under which it is installed.
        application()(prog_name="./run ringfence" if sys.argv[0].endswith("__main__.py") else "ringfence")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as problem:
        if _traced():
            raise
        print(f"ringfence: {explain(problem)}", file=sys.stderr)
        sys.exit(FAILED)


def _traced() -> bool:
    """Whether tracebacks are wanted; not where the environment itself is what cannot be read."""
    try:
        from ringfence.base.env import env
    except Exception:
        return False
    return env.debug


def _state(problem: BaseException | None) -> str | None:
    """PostgreSQL's five characters for what went wrong; None when it was something else."""
    return getattr(problem, "sqlstate", None)


def explain(problem: Exception) -> str:
    """One line about a failure, with what was noted on it. Problems that Ringfence raises itself already say what to do."""
    return " ".join([_explained(problem), *getattr(problem, "__notes__", ())])


def _explained(problem: Exception) -> str:
    said = " ".join(str(problem).split()) or type(problem).__name__
    # PostgreSQL says the same as "53100", which Django wraps.
    if getattr(problem, "errno", None) == 28 or "53100" in (_state(problem), _state(problem.__cause__)):
        return "the disk is full. Make room, then run it again."
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    if "ringfence" in type(problem).__module__ or isinstance(problem, ValueError):
        return said
    return f"{said} ({type(problem).__name__}; RINGFENCE_DEBUG=1 shows where)"
