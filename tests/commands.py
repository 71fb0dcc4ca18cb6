"""The command line in this process: starting one of its own takes a second, and what it does is the same."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from unittest.mock import patch

from typer import testing
from typer.main import get_command

from ringfence.cli import application, main

APPLICATION = application()

#: The commands, made ready once for the calls ``RUN.invoke(APPLICATION, ...)``: that takes longer than most of them do.
made = testing._get_command = cache(get_command)

RUN = testing.CliRunner()


def command(*arguments: str) -> tuple[int, str]:
    """Its exit code and what it said."""
    said = StringIO()
    with patch.object(sys, "argv", ["ringfence", *arguments]), redirect_stdout(said), redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()
