"""Whether everything is in place that a run needs, and no map is stuck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dualwrite.operations.health import Item, health_items
from dualwrite.operations.results import QueryResult


@dataclass(frozen=True, slots=True)
class Health(QueryResult):
    """Every item that was checked."""

    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Whether all of them are."""
        return all(item.ok for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """`ok` and `items`."""
        return {"ok": self.ok, "items": [asdict(item) for item in self.items]}


def check_health(
    project: Path,
    targets: Sequence[str] = (),
    *,
    checked: Callable[[Item], None] = lambda _: None,
) -> Health:
    """Check link, journal, apps, rights, maps, and that changes are captured.

    What is wrong is an item of the result, not an error.

    Args:
        project: The project folder.
        targets: Maps to check; if none, those that run and the project's own.
        checked: Called with each item as soon as it is known.

    Raises:
        UnknownMapError: A target is not a map.
    """
    items = []
    for item in health_items(project, targets, repair=False):
        checked(item)
        items.append(item)
    return Health(tuple(items))
