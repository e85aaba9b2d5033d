"""`python -m tests.sync.dying PROJECT POINT NTH`: one cycle, killed at a named point.

The process ends by SIGKILL when it passes the point for the n-th time, and with 3 when it
never does.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from dualwrite.sync import lane
from dualwrite.sync.cycle import run_cycle
from dualwrite.sync.session import open_session
from dualwrite.tablemap.catalogue import Catalogue
from tests.sync.points import pointed

NEVER = 3


def main(project: Path, point: str, nth: int) -> None:
    """Run one cycle in small pages."""
    lane.PAGE = 4
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


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
