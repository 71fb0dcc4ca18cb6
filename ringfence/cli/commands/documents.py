"""``ringfence docs``: the documents that are made from the code."""

from dataclasses import fields

import typer

HEADING = """\
# Settings

Made from `ringfence/base/env.py` by `ringfence docs settings`; `./run check` compares the two.

Ringfence reads these environment variables, once, when a process starts. All of them have defaults.

| variable | default | what it decides |
| --- | --- | --- |
"""


def settings_reference() -> str:
    """The reference of all settings, in Markdown."""
    from ringfence.base.env import Environment

    rows = [
        f"| `{each.metadata['name']}` | {each.metadata['shown']} | {each.metadata['about']} |"
        for each in fields(Environment)
    ]
    return HEADING + "\n".join(rows) + "\n"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Documents made from the code.", no_args_is_help=True)
    app.add_typer(group, name="docs")

    @group.command()
    def settings() -> None:
        """Print docs/reference/settings.md."""
        typer.echo(settings_reference(), nl=False)

    @group.callback()
    def docs() -> None:
        """Documents made from the code."""
