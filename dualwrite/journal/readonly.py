"""How the file of a journal is opened where it can only be read."""

from __future__ import annotations

import os
from pathlib import Path


def reading_uri(path: Path) -> str | None:
    """The URI that reads a journal whose file or folder cannot be written; None where both can.

    SQLite keeps an index beside a file in WAL mode, which it cannot make in such a folder.  Without
    a log beside it the file is complete, and is read as one that nobody changes.
    """
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return None
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return f"{path.absolute().as_uri()}?{how}"
