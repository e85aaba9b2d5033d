"""`python -m tests.sync.killed_writer PROJECT POINT`: a write of both sides, killed at a point.

The process ends by SIGKILL there, and with 3 when it never comes to it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from dualwrite.journal.prepared_writes import PreparedWriteStore
from dualwrite.sync.capture import recovery
from dualwrite.sync.session import open_session
from dualwrite.sync.write_both.write import write_both
from dualwrite.tablemap.catalogue import Catalogue
from tests.sync.world import F, cust

NEVER = 3
POINTS = ("begin", "prepare", "prepare twice", "decide", "remove")
"""Killed after each: the last is that both have committed."""


def main(project: Path, point: str) -> None:
    """Write one row on both sides."""
    count = 0

    def then(work: Callable[..., Any], name: str) -> Callable[..., Any]:
        def done(*given: Any, **named: Any) -> Any:
            nonlocal count
            found = work(*given, **named)
            count += name == "prepare"
            if point == (f"{name} twice" if count == 2 and name == "prepare" else name):
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return done

    for name in ("begin", "decide", "remove"):
        setattr(PreparedWriteStore, name, then(getattr(PreparedWriteStore, name), name))
    from dualwrite.apps.sql.core.writing import SqlWriting

    SqlWriting.prepare = then(SqlWriting.prepare, "prepare")  # type: ignore[method-assign]
    assert recovery.YOUNG
    with open_session(project) as session:
        catalogue = Catalogue.load(project / "maps", project / "none")
        row = cust("C2", "two", INVOICEACCOUNT="", PARTYTYPE="Organization")
        write_both(replace(session, catalogue=catalogue), "customers", F, [row])
    sys.exit(NEVER)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
