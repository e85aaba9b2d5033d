"""Whether everything is in place that a run needs, and no map is stuck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dualwrite.operations import wording
from dualwrite.operations.health import CheckedItems, Item, health_items
from dualwrite.operations.results import QueryResult
from dualwrite.operations.session import Session


@dataclass(frozen=True, slots=True)
class Health(CheckedItems, QueryResult):
    """Every item that was checked."""


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


def unseen(session: Session, names: Sequence[str] | None) -> list[str]:
    """How rows of these maps, or of all, can change so that no change crosses: a line each.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    return [
        wording.unseen(each.name, line)
        for each in session.journal.maps.all()
        if names is None or each.name in names
        for line in each.unseen
    ]
