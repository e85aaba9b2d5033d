"""`python -m tests.torture [--seconds 60] [--writers 8] [--seed N] [--on postgresql|mariadb]`."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from dualwrite.journal.store import Journal
from dualwrite.link import Side
from tests.servers import running
from tests.sync.world import make_world
from tests.torture.run import torture


def main() -> None:
    """Torture each kind that is asked for, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=8, help="on each side")
    parser.add_argument("--seed", type=int, help="disturb it too, in the order of this seed")
    parser.add_argument("--on", choices=("postgresql", "mariadb"))
    asked = parser.parse_args()
    for kind in (asked.on,) if asked.on else ("postgresql", "mariadb"):
        with ExitStack() as stack:
            server = stack.enter_context(getattr(running, kind)())
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            Journal.open(f"sqlite:///{folder / 'empty.db'}").close()
            urls = {side: server.fresh_database() for side in Side}
            world = make_world(folder / "project", kind, urls, journal=folder / "empty.db")
            stack.callback(world.close)
            figures = torture(world, seconds=asked.seconds, writers=asked.writers, seed=asked.seed)
            line = "  ".join(f"{name}={value}" for name, value in asdict(figures).items())
            print(f"{kind}: {line}", flush=True)


if __name__ == "__main__":
    main()
