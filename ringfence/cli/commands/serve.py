"""``ringfence serve``: what ``./run`` starts."""

import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def serve(
        fresh: bool = typer.Option(False, "--fresh", help="Delete the record and begin anew."),
        empty: bool = typer.Option(False, "--empty", help="Without the demonstration, for real use."),
    ) -> None:
        """Start everything: the database, the pages on 127.0.0.1:8000, the worker. Ctrl-C stops it all."""
        from ringfence.base.env import env
        from ringfence.cli.serve import ServeProblem, is_for_real_use
        from ringfence.cli.serve import serve as keep_serving

        def say(message: str) -> None:
            typer.echo(message)

        if fresh and is_for_real_use():
            if not sys.stdin.isatty():
                raise ServeProblem(
                    f"{env.home} is for real use, and --fresh deletes its record for good: it is asked for at a terminal, "
                    "and this is none. Nothing was deleted."
                )
            told = typer.prompt(
                f"{env.home} is for real use, and --fresh deletes its record for good.\nType delete to go on",
                default="",
                show_default=False,
            )
            if told.strip() != "delete":
                raise ServeProblem("Nothing was deleted.")
        keep_serving(fresh=fresh, empty=empty, say=say)
