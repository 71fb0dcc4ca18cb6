"""``ringfence serve``: what ``./run`` starts."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def serve(
        fresh: bool = typer.Option(False, "--fresh", help="Delete the record and begin anew."),
        empty: bool = typer.Option(False, "--empty", help="Without the demonstration, for real use."),
    ) -> None:
        """Start everything: the database, the pages on 127.0.0.1:8000, the worker. Ctrl-C stops it all."""
        from ringfence.cli.serve import serve as keep_serving

        def say(message: str) -> None:
            typer.echo(message)

        keep_serving(fresh=fresh, empty=empty, say=say)
