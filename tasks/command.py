"""Running a flow by hand: its options, its errors and its exit code, as `dualwrite` has them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from dualwrite.errors import DualWriteError
from dualwrite.link import safe_url


def run_command(main: Callable[..., Any]) -> None:
    """Read the command line for `main` and call it; exit 1 with one message when it is refused."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    try:
        app()
    except DualWriteError as error:
        sys.stderr.write(f"{safe_url(str(error))}\n")
        sys.exit(1)
