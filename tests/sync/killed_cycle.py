"""`python -m tests.sync.killed_cycle`: cycles in processes of their own, killed at a named point.

Each line of the input asks for one, as JSON: project, point and number.  Its process ends by
SIGKILL when it passes the point for the n-th time, and with 3 when it never does; how it ended
is a line of the output.  They are forked, as to start Python anew takes longer than a cycle.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from dualwrite.sync.cycle import pages
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.session import open_session
from dualwrite.tablemap.catalogue import Catalogue
from tests.sync.points import pointed

NEVER = 3


def main(project: Path, point: str, nth: int) -> None:
    """Run one cycle in small pages."""
    pages.PAGE = 4
    left = nth

    def passed(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    with open_session(project) as session:
        catalogue = Catalogue.load(project / "maps", project / "none")
        run_cycle(pointed(replace(session, catalogue=catalogue), passed))
    sys.exit(NEVER)


def serve() -> None:
    """Let a worker live and die for each line."""
    for line in sys.stdin:
        project, point, nth = json.loads(line)
        pid = os.fork()
        if not pid:
            main(Path(project), point, nth)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
