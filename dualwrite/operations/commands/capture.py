"""The capture of maps repaired: queues and triggers that were lost, queues left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dualwrite.operations.health import CheckedItems, Item, health_items
from dualwrite.operations.results import CommandResult


@dataclass(frozen=True, slots=True)
class HealthAfterRepair(CheckedItems, CommandResult):
    """Every item that was checked, the repairs among them."""


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
