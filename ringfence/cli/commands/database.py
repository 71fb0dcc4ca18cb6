"""``ringfence database``: prepare and migrate, for whoever runs a server of their own."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The database: prepare it, or sign in to it.", no_args_is_help=True)
    app.add_typer(group, name="database")

    @group.command()
    def prepare() -> None:
        """Make or update the database, its roles and its tables. Every start does this too."""
        from ringfence.cli import session

        with session.database(typer.echo):
            typer.echo("The database is ready.")

    @group.command()
    def shell(role: str = typer.Argument("cli", help="owner, web, worker, lab or cli")) -> None:
        """Open psql with the rights of one kind of process."""
        import os
        import shutil
        import subprocess
        from pathlib import Path

        from ringfence.base.env import ROLES, SCHEMAS, env
        from ringfence.cli import session
        from ringfence.cli.postgres import Server

        if role not in ROLES:
            raise typer.BadParameter(f"{role} is not one of {', '.join(ROLES)}", param_hint="ROLE")
        with session.server() as embedded:
            session.ready(embedded, typer.echo)
            program = shutil.which("psql") if embedded is None else str(Path(Server().programs()) / "psql")
            if program is None:
                raise ValueError("psql is not installed. On Debian: apt install postgresql-client")
            where = env.database
            variables = {
                "PGHOST": where.host,
                "PGPORT": str(where.port),
                "PGDATABASE": where.name,
                "PGUSER": ROLES[role],
                "PGPASSWORD": env.secrets.passwords[ROLES[role]],
                "PGOPTIONS": f"-c search_path={','.join((*SCHEMAS, 'public'))}",
            }
            raise typer.Exit(subprocess.run([program], env={**os.environ, **variables}, check=False).returncode)
