"""Runs a flow from the command line, with options, errors and exit codes like `dualwrite`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from dualwrite.cli.failures import project_of
from dualwrite.errors import DualWriteError
from dualwrite.link import app_names, safe_url


def run_command(main: Callable[..., Any]) -> None:
    """Parse the command line for `main` and call it; exit 1 with one message on an error."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    try:
        app()
    except DualWriteError as error:
        names = app_names(project_of(sys.argv))
        sys.stderr.write(f"{names.in_text(safe_url(str(error)))}\n")
        sys.exit(1)
