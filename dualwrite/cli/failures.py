"""The one place where an exception becomes a message and an exit code.

The message of an error of the engine is shown as it is, with exit code 1.  Any other exception is
a fault in dualwrite: two lines are shown, and the traceback is written to a file in the project,
with passwords replaced, so that it can be sent to us.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dualwrite.cli.output import print_json, print_message
from dualwrite.errors import DualWriteError
from dualwrite.link import FILE_NAME, app_names, safe_url

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
WRONG_USAGE = 2
"""Exit code of a command line that cannot be understood, as shells have it."""


def report(error: Exception, args: Sequence[str]) -> int:
    """Show what stopped the command; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # `dualwrite maps | head`: the reader has seen enough, and that is no fault.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, DualWriteError):
        kind, text = type(error).__name__, safe_url(str(error))
    else:
        kind, text = "Crash", _crash_text(error, args)
    _show(kind, text, args)
    return 1


def report_usage(text: str, args: Sequence[str]) -> int:
    """Show what is wrong with the command line; returns the exit code."""
    _show("UsageError", text, args)
    return WRONG_USAGE


def report_interrupt() -> int:
    """Show what Ctrl-C left behind; returns the exit code."""
    print_message(
        "Stopped by Ctrl-C. What was committed stays, nothing half-written was kept.\n"
        "  Repeat the command: it continues where it stopped."
    )
    return INTERRUPTED


def _show(kind: str, text: str, args: Sequence[str]) -> None:
    text = app_names(project_of(args)).in_text(text)
    print_message(text)
    if "--json" in args:
        print_json({"error": {"kind": kind, "message": text}})


def _crash_text(error: Exception, args: Sequence[str]) -> str:
    text = (
        f"A fault in dualwrite itself stopped the command ({type(error).__name__}). "
        "What was committed stays, nothing half-written was kept."
    )
    trace = safe_url("".join(traceback.format_exception(error)))
    project = project_of(args)
    is_project = (project / FILE_NAME).exists()
    folder = project / ".dualwrite" if is_project else Path(tempfile.gettempdir())
    file = folder / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    try:
        folder.mkdir(exist_ok=True)
        file.write_text(f"dualwrite {safe_url(' '.join(args))}\n\n{trace}", encoding="utf-8")
    except OSError:
        # The disk may be full; then print it.
        return f"{text}\n{trace}"
    return f"{text}\n  The details are in {file}; send it to us; it contains no password."


def project_of(args: Sequence[str]) -> Path:
    """The project folder that a command line names; the current folder if it names none."""
    for position, word in enumerate(args):
        if word == "--project" and position + 1 < len(args):
            return Path(args[position + 1])
        if word.startswith("--project="):
            return Path(word.partition("=")[2])
    return Path()
