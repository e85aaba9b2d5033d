"""Counts and lags of cycles, added up by the minute."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dualwrite.journal.database import Database
from dualwrite.journal.lag import Lags, added
from dualwrite.journal.maps import change_map
from dualwrite.journal.models import CycleModel
from dualwrite.journal.records import COUNTED, Counts
from dualwrite.link import Side

KEPT_MINUTES = 8 * 24 * 60
"""A whole week can be reported, and a day more."""


def this_minute() -> int:
    """Minutes since 1970 in UTC."""
    return int(time.time() // 60)


class CycleStore:
    """What the cycles of each map did, by minute and direction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        map_name: str,
        counts: Mapping[str, Counts],
        lags: Mapping[str, Lags] | None = None,
        *,
        pending: Mapping[Side, int] | None = None,
    ) -> None:
        """Add a cycle's counts and lags, by direction, to its minute; set the last cycle's time.

        Args:
            map_name: The map.
            counts: The counts of each direction; empty when nothing was synced.
            lags: The histogram of lags of each direction.
            pending: The entries left in the change queue of each side; None if not counted.
        """
        values: dict[str, Any] = {"last_cycle_at": datetime.now(UTC)}
        if pending is not None:
            values["pending"] = {side.value: each for side, each in pending.items()}
        minute = this_minute()
        with self._database.writing() as connection:
            change_map(connection, map_name, **values)
            for direction, each in sorted(counts.items()):
                _add(connection, map_name, direction, minute, each, (lags or {}).get(direction, {}))

    def totals(self, map_name: str, *, minutes: int = 60) -> dict[str, tuple[Counts, Lags]]:
        """The counts and lags of a map's cycles in the last minutes, by direction."""
        columns = [getattr(CycleModel, name) for name in COUNTED]
        query = select(CycleModel.direction, CycleModel.lags, *columns).where(
            CycleModel.map == map_name, CycleModel.minute >= this_minute() - minutes
        )
        found: dict[str, tuple[Counts, Lags]] = {}
        with self._database.reading() as connection:
            for direction, lags, *numbers in connection.execute(query):
                counts, before = found.get(direction, (Counts(), {}))
                found[direction] = (counts + Counts(*numbers), added([before, _read(lags)]))
        return found


def _add(
    connection: Connection, map_name: str, direction: str, minute: int, counts: Counts, lags: Lags
) -> None:
    here = (
        (CycleModel.map == map_name)
        & (CycleModel.direction == direction)
        & (CycleModel.minute == minute)
    )
    stored = connection.scalar(select(CycleModel.lags).where(here).with_for_update())
    if stored is not None:
        sums = {name: getattr(CycleModel, name) + each for name, each in counts.as_dict().items()}
        both = _as_json(added([_read(stored), lags]))
        more: dict[str, Any] = {**sums, "batches": CycleModel.batches + 1, "lags": both}
        connection.execute(update(CycleModel).where(here).values(**more))
        return
    connection.execute(
        insert(CycleModel).values(
            map=map_name,
            direction=direction,
            minute=minute,
            batches=1,
            lags=_as_json(lags),
            **counts.as_dict(),
        )
    )
    # Once a minute at most: delete what is too old.
    connection.execute(
        delete(CycleModel).where(
            CycleModel.map == map_name, CycleModel.minute < minute - KEPT_MINUTES
        )
    )


def _as_json(lags: Lags) -> dict[str, int]:
    return {str(number): times for number, times in sorted(lags.items())}


def _read(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(number): times for number, times in stored.items()}
