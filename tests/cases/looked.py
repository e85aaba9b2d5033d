"""`python -m tests.cases.looked FOLDER...`: what projects hold, as one JSON object by folder."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

ASKED = {
    "errors": ("errors", "--limit", "100000"),
    "conflicts": ("conflicts", "--all", "--limit", "100000"),
    "status": ("status",),
}


def look(folder: str) -> dict[str, Any]:
    """What the commands say of a project; a command that fails is left out."""
    return {name: said for name, words in ASKED.items() if (said := _ask(folder, words))}


def _ask(folder: str, words: tuple[str, ...]) -> Any:
    from dualwrite.cli import main

    out, before = io.StringIO(), sys.argv
    sys.argv = ["dualwrite", *words, "--json", "--project", folder]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            main.app()
    finally:
        sys.argv = before
    try:
        return json.loads(out.getvalue())
    except json.JSONDecodeError:
        return None


if __name__ == "__main__":
    print(json.dumps({folder: look(folder) for folder in sys.argv[1:]}))
