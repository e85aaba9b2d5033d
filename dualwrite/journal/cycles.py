"""What cycles did, added up by the minute.  Everything here runs in a caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dualwrite.journal.lag import Lags, added
from dualwrite.journal.models import CycleRow
from dualwrite.journal.records import COUNTED, Counts

KEPT_MINUTES = 8 * 24 * 60
"""A week can be looked back upon, and one day of it be over."""


def this_minute() -> int:
    """Minutes since 1970 in UTC."""
    return int(time.time() // 60)


def note(
    connection: Connection,
    map_name: str,
    counts: Mapping[str, Counts],
    lags: Mapping[str, Lags],
    *,
    minute: int,
) -> None:
    """Add a batch of each direction to its minute."""
    for direction, each in sorted(counts.items()):
        _add(connection, map_name, direction, minute, each, lags.get(direction, {}))


def _add(
    connection: Connection, map_name: str, direction: str, minute: int, counts: Counts, lags: Lags
) -> None:
    here = (
        (CycleRow.map == map_name) & (CycleRow.direction == direction) & (CycleRow.minute == minute)
    )
    stored = connection.scalar(select(CycleRow.lags).where(here).with_for_update())
    if stored is not None:
        sums = {name: getattr(CycleRow, name) + each for name, each in counts.as_dict().items()}
        both = _spelled(added([_read(stored), lags]))
        more: dict[str, Any] = {**sums, "batches": CycleRow.batches + 1, "lags": both}
        connection.execute(update(CycleRow).where(here).values(**more))
        return
    connection.execute(
        insert(CycleRow).values(
            map=map_name,
            direction=direction,
            minute=minute,
            batches=1,
            lags=_spelled(lags),
            **counts.as_dict(),
        )
    )
    # A minute begins seldom enough to look at the end of the row of them, too.
    connection.execute(
        delete(CycleRow).where(CycleRow.map == map_name, CycleRow.minute < minute - KEPT_MINUTES)
    )


def totals(connection: Connection, map_name: str, *, since: int) -> dict[str, tuple[Counts, Lags]]:
    """What a map's cycles did from a minute on, and how late, by direction."""
    found: dict[str, tuple[Counts, Lags]] = {}
    columns = [getattr(CycleRow, name) for name in COUNTED]
    rows = connection.execute(
        select(CycleRow.direction, CycleRow.lags, *columns).where(
            CycleRow.map == map_name, CycleRow.minute >= since
        )
    )
    for direction, lags, *numbers in rows:
        counts, before = found.get(direction, (Counts(), {}))
        found[direction] = (counts + Counts(*numbers), added([before, _read(lags)]))
    return found


def _spelled(lags: Lags) -> dict[str, int]:
    return {str(number): times for number, times in sorted(lags.items())}


def _read(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(number): times for number, times in stored.items()}
