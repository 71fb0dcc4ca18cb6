"""``ringfence source``: how each source writes its line lists."""

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="How each laboratory or system writes its line lists.", no_args_is_help=True)
    app.add_typer(group, name="source")

    @group.command("set")
    def put(
        name: str = typer.Argument(help="The source, as in: ringfence intake --source NAME."),
        mapping: Path = typer.Argument(
            help='A TOML file: month_first = true, and [headers] with "Its header" = "field".'
        ),
    ) -> None:
        """Keep the mapping of a source, in place of the one before."""
        from ringfence.cli import session
        from ringfence.feeds.linelist import mapping_of

        try:
            read = mapping_of(mapping.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            raise typer.BadParameter(f"{mapping} is not a text file in UTF-8", param_hint="MAPPING") from None
        except OSError as problem:
            raise typer.BadParameter(f"{mapping}: {problem.strerror}", param_hint="MAPPING") from None
        except ValueError as problem:
            raise typer.BadParameter(f"{mapping}: {problem}", param_hint="MAPPING") from None
        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.actions import sources
            from ringfence.rules.access import system_scope

            kept = sources.set_mapping(source=name, mapping=read, by=system_scope("intake"), now=datetime.now(UTC))
            typer.echo(f"{kept}: {len(read.headers)} headers, dates {'month' if read.month_first else 'day'} first.")

    @group.command("list")
    def every() -> None:
        """List the sources that have a mapping."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from ringfence.queries import sources
            from ringfence.rules.access import system_scope

            lines = sources.sources(scope=system_scope("intake"))
            if not lines:
                typer.echo("None has a mapping; usual headers are understood without one.")
            for line in lines:
                typer.echo(f"{line.name}: dates {'month' if line.mapping.month_first else 'day'} first")
                for header, to in line.mapping.headers.items():
                    typer.echo(f"    {header} -> {to}")
                for word, result in line.mapping.results.items():
                    typer.echo(f"    the result {word} -> {result}")
