"""The capture of maps repaired: queues and triggers that were lost, queues left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dualwrite.operations.health import Item, health_items
from dualwrite.operations.results import CommandResult


@dataclass(frozen=True, slots=True)
class HealthAfterRepair(CommandResult):
    """Every item that was checked, the repairs among them."""

    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong any more."""
        return all(item.ok for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """`ok` and `items`."""
        return {"ok": self.ok, "items": [asdict(item) for item in self.items]}


def repair_capture(
    project: Path,
    targets: Sequence[str] = (),
    *,
    checked: Callable[[Item], None] = lambda _: None,
) -> HealthAfterRepair:
    """Check the project, and repair the capture of its maps.

    A queue or a trigger that was lost is created again, both sides are compared, and rows that
    differ are queued: the next cycles carry them.  Queues of maps that do not run are removed.
    No row is deleted.

    Args:
        project: The project folder.
        targets: Maps to repair; if none, all that the journal knows.
        checked: Called with each item as soon as it is known.

    Raises:
        UnknownMapError: A target is not a map.
    """
    items = []
    for item in health_items(project, targets, repair=True):
        checked(item)
        items.append(item)
    return HealthAfterRepair(tuple(items))
