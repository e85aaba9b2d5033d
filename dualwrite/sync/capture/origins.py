"""Who writes: the origin of a transaction, with the queues that take its rows for their own.

Maps of a link over the same two tables have a queue each.  What one map writes crossed from the
other side, where the entries of the other map stand too; kept once more, it would come back as a
change of the application, and an old value over a newer one
(docs/decisions/0011-the-origin-marks-the-link.md).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from dualwrite.apps.capture import Capture, Origin
from dualwrite.link import Side
from dualwrite.sync.session import Session
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.sharing import echoed_columns, over_one_pair

_FRESH = 10.0
"""Seconds for which the other maps that run are taken to be the same."""


@dataclass
class Origins:
    """The origins of one map's transactions."""

    session: Session
    _known: dict[tuple[str, Side], Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    _until: float = 0.0

    def of(self, table_map: TableMap, side: Side, capture: Capture | None, epoch: int) -> Origin:
        """The origin of a transaction in the app of `side`, whose own queue is `capture`."""
        now = time.monotonic()
        if now >= self._until:
            self._known, self._until = {}, now + _FRESH
        mark = (table_map.name, side)
        if mark not in self._known:
            self._known[mark] = echoes_of(self.session, table_map, side)
        queue = None if capture is None else capture.queue
        return Origin(table_map.name, queue, epoch, self._known[mark])


def echoes_of(session: Session, table_map: TableMap, side: Side) -> Mapping[str, tuple[str, ...]]:
    """The queues of a side's other maps over the same tables: the columns both maps carry."""
    found = {}
    for record in session.journal.maps.all():
        queue = record.queues.get(side.value)
        if queue is None or record.name == table_map.name or record.name not in session.catalogue:
            continue
        try:
            other = session.catalogue.get(record.name)
        except MapError:
            continue  # nothing of it is carried as long as it cannot be read
        if over_one_pair(table_map, other):
            found[queue] = echoed_columns(table_map, other, side)
    return found
