"""Takes the place of the rig's own `fast.py`: one process opens a project and does what is asked.

The rig's file asks the engine by names that it had before its redesign.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualwrite.journal.records import HeldRow
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.session import open_session


class Fast:
    """The cycles and the held rows of a project of the rig."""

    def __init__(self, project: Any) -> None:
        self.P = project
        self._folder = Path(project.dir)

    def sync(self, names: list[str] | None = None, **options: Any) -> dict[str, Any]:
        """One cycle: by map its counts and its note; `EXC` where it could not be run."""
        with open_session(self._folder) as session:
            try:
                results = run_cycle(session, names, **options)
            except Exception as error:  # noqa: BLE001 - what a case prints
                return {"EXC": f"{type(error).__name__}: {error}"[:300]}
            return {result.map: (dict(result.counts), result.note) for result in results}

    def settle(self, n: int = 10) -> Any:
        """Cycles until nothing is left; how many it took."""
        for turn in range(n):
            result = self.sync()
            if "EXC" in result:
                return result
            if all(not counts for counts, _ in result.values()):
                return turn
        return n

    def held(self) -> list[tuple[Any, str, str, str]]:
        """Key, direction, cause and reason of each held row."""
        return [(row.key, row.direction, row.cause, row.reason) for row in self._held()]

    def clear_held(self) -> None:
        """Discard them."""
        with open_session(self._folder) as session:
            session.journal.held.discard([row.id for row in self._held()])

    def _held(self) -> list[HeldRow]:
        with open_session(self._folder) as session:
            held = session.journal.held
            return [*held.rejected(None), *held.parked(None)]
