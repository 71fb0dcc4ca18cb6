"""``ringfence intake`` and ``reconcile``: line lists into the record, and whether every row is accounted for."""

import json
import sys
from pathlib import Path

import typer

from ringfence.rules.plural import counted

FILES = typer.Argument(None, metavar="FILE...", help="Line lists, as CSV or gzip; - is the standard input.")


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def intake(
        files: list[str] = FILES,
        source: str = typer.Option("", help="The laboratory or system that sent them."),
        expect: int = typer.Option(
            None, min=0, help="The sender's own count of rows; with another one the exit code is 1."
        ),
        parts: int = typer.Option(None, min=1, max=16, help="Processes to read with; left out, as many as pay."),
        resume: bool = typer.Option(False, "--resume", help="Go on with what was received and not read to the end."),
        as_json: bool = typer.Option(False, "--json", help="Print the receipts as JSON."),
    ) -> None:
        """Receive line lists and read them into the record; print the receipt of each.

        Exit codes: 0 done, 1 failed or refused or not the rows that --expect says, 2 wrong use, 3 done with rows in
        quarantine.
        """
        files = files or []
        if resume == bool(files):
            raise typer.BadParameter(
                "give files to read, or --resume and no files" if resume else "say which files to read, or --resume",
                param_hint="FILE",
            )
        if files and not 1 <= len(source.strip()) <= 60:
            hint = "say who sent the files in 1 to 60 characters, for example --source 'Lighthouse A'"
            raise typer.BadParameter(hint, param_hint="--source")
        for file in files:
            if file != "-":
                _must_be_readable(Path(file))
        if expect is not None and len(files) != 1:
            raise typer.BadParameter("a count is for one file; read the files one by one", param_hint="--expect")

        from ringfence.cli import session

        def say(message: str) -> None:
            typer.echo(message, err=True)

        with session.database(say):
            from ringfence.cli.receiving import Intake

            work = Intake(parts)
            receipts = work.resume() if resume else work.files(files, source, expect)
            for receipt in receipts:
                typer.echo(json.dumps(receipt.as_json()) if as_json else receipt.as_text())
            if resume and not work.codes and not as_json:
                typer.echo("Everything that was received has been read.")
        if code := work.code():
            raise typer.Exit(code)

    @app.command(hidden=True)
    def read_part(part: int, parts: int) -> None:
        """Read one part of the delivery that a line of input names; ``intake`` starts a process for each part but the first."""
        from ringfence.cli import session

        with session.database():
            from ringfence.actions.intake import make_ready
            from ringfence.cli.receiving import read

            make_ready()
            if delivery := sys.stdin.readline().strip():
                read(delivery, part, parts, lambda rows: print(rows, flush=True))

    @app.command()
    def reconcile(
        as_json: bool = typer.Option(False, "--json", help="Print every delivery as JSON."),
        contents: bool = typer.Option(True, help="Read the stored bytes too and compare their SHA-256."),
    ) -> None:
        """Balance every delivery: rows = accepted + duplicate + quarantined, counted again from the record.

        Exit codes: 0 all balance, 1 one does not, or is half read and nobody is reading it.
        """
        from dataclasses import asdict

        from ringfence.cli import session

        with session.database(lambda message: typer.echo(message, err=True)):
            from ringfence.queries import deliveries
            from ringfence.rules.access import system_scope

            accounts = deliveries.reconcile(scope=system_scope("reconcile"), contents=contents)
            wrong = [each for each in accounts if each.problems]
            if as_json:
                typer.echo(json.dumps([asdict(each) for each in accounts]))
            else:
                for each in wrong:
                    typer.echo(f"{each.ref} {each.filename or 'standard input'} from {each.source}:")
                    for problem in each.problems:
                        typer.echo(f"    {problem}")
                rows = sum(each.rows for each in accounts)
                balance = counted(len(accounts) - len(wrong), "balances", "balance")
                typer.echo(
                    f"{counted(len(accounts), 'delivery', 'deliveries')} with {counted(rows, 'row')}; {balance}."
                )
        if wrong:
            raise typer.Exit(1)


def _must_be_readable(path: Path) -> None:
    """Wrong use is said before anything is started."""
    try:
        with path.open("rb"):
            return
    except IsADirectoryError:
        why = "is a folder; name the files in it"
    except FileNotFoundError:
        why = "is not there"
    except OSError as problem:
        why = problem.strerror or "cannot be read"
    print(f"ringfence: {path} {why}", file=sys.stderr)
    raise typer.Exit(2)
