"""The entry point of the program `dualwrite`.

`dualwrite status` is called often, by people and by monitors, and must answer in half a second
as a whole process.  Typer imports pydantic, which takes longer than everything else; so a plain
`status` is answered before Typer is imported.  Any other form of it (`--help`, an unknown option)
is handled like every other command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dualwrite.cli.failures import report, report_interrupt
from dualwrite.cli.status_table import print_status


def app() -> None:
    """Run the command line of this process."""
    words = sys.argv[1:]
    asked = plain_status(words)
    if asked is None:
        from dualwrite.cli.commands import commands

        commands()
        return
    if "--no-color" in words:
        os.environ["NO_COLOR"] = "1"
    try:
        print_status(*asked)
    except KeyboardInterrupt:
        sys.exit(report_interrupt())
    except Exception as error:  # noqa: BLE001 - the outermost handler
        sys.exit(report(error, words))


def plain_status(words: Sequence[str]) -> tuple[Path, bool] | None:
    """Project and `--json` of a plain `dualwrite status`; None for any other command line."""
    project, as_json = Path(), False
    commands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--json" and commands:
            as_json = True
        elif word == "--project" and commands:
            value = next(rest, None)
            if value is None:
                return None
            project = Path(value)
        elif word.startswith("--project=") and commands:
            project = Path(word.partition("=")[2])
        elif word != "--no-color":
            commands.append(word)
    return (project, as_json) if commands == ["status"] else None


if __name__ == "__main__":
    app()
