"""The maps of a link: status, change queues, capture marks, and why a map waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from dualwrite.journal.activity import add_line
from dualwrite.journal.database import Database, upsert
from dualwrite.journal.models import MapModel
from dualwrite.journal.overview import GOES_ON, map_records, maps_sql
from dualwrite.journal.records import Backlog, MapRecord, MapStatus, Mark
from dualwrite.link import Side
from dualwrite.logs import MAP_STATUS

_BACKLOG = text(
    "SELECT (SELECT COUNT(*) FROM journal_conflict WHERE map = :map AND status = 'open'),"
    " (SELECT COUNT(*) FROM journal_held WHERE map = :map)"
)


def add_map(connection: Connection, map_name: str) -> None:
    """Insert the row of a map unless it exists, in the caller's transaction."""
    new = {
        "name": map_name,
        "status": MapStatus.NOT_RUNNING.value,
        "since": datetime.now(UTC),
        "queues": {},
        "marks": {},
        "pending": {},
    }
    connection.execute(upsert(connection, MapModel).values(**new).on_conflict_do_nothing())


def change_map(connection: Connection, map_name: str, **values: object) -> None:
    """Set columns of a map's row, in the caller's transaction."""
    statement = update(MapModel).where(MapModel.name == map_name).values(**values)
    if not connection.execute(statement).rowcount:
        add_map(connection, map_name)
        connection.execute(statement)


class MapStore:
    """The maps of a link that were run at least once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Queries

    def all(self) -> list[MapRecord]:
        """Every map that was run at least once, by name."""
        with self._database.reading() as connection:
            return map_records(connection.execute(text(maps_sql())))

    def status(self, map_name: str) -> MapStatus:
        """The status of a map; `not running` for one that never ran."""
        query = select(MapModel.status).where(MapModel.name == map_name)
        with self._database.reading() as connection:
            status = connection.scalar(query)
        return MapStatus.NOT_RUNNING if status is None else MapStatus(status)

    def backlog(self, map_name: str) -> Backlog:
        """How many open conflicts and held rows a map has; one statement, asked before a batch."""
        with self._database.reading() as connection:
            row = connection.execute(_BACKLOG, {"map": map_name}).one()
        return Backlog(int(row[0]), int(row[1]))

    def marks(self, map_name: str) -> dict[Side, Mark]:
        """The marks of a map's captures; a side without capture has none."""
        with self._database.reading() as connection:
            return _marks(connection, map_name).get(map_name, {})

    def all_marks(self) -> dict[str, dict[Side, Mark]]:
        """The marks of all captures, by map."""
        with self._database.reading() as connection:
            return _marks(connection, None)

    # Commands

    def set_status(self, map_name: str, status: MapStatus, *, reason: str) -> None:
        """Set the status of a map and log it.  A map that has the status already stays as is."""
        self.change_status(map_name, status, among=tuple(MapStatus), reason=reason)

    def change_status(
        self, map_name: str, status: MapStatus, *, among: Collection[MapStatus], reason: str
    ) -> MapStatus:
        """Set the status of a map whose status is `among` these, and log it.

        Returns:
            The status before.  It is not `among`: nothing was changed.
        """
        before = self.status(map_name)
        if before not in among or before is status:
            return before
        locked = select(MapModel.status).where(MapModel.name == map_name).with_for_update()
        with self._database.writing() as connection:
            add_map(connection, map_name)
            before = MapStatus(connection.scalar(locked))
            if before in among and before is not status:
                values = {"status": status.value, "since": datetime.now(UTC)}
                change_map(connection, map_name, **values)
                add_line(connection, map_name, "status", f"{status.value}: {reason}")
        if before in among and before is not status:
            MAP_STATUS.log(map=map_name, before=before.value, status=status.value, reason=reason)
        return before

    def set_queues(self, map_name: str, queues: Mapping[str, str]) -> None:
        """Store the name of the change queue in each app, by side name."""
        with self._database.writing() as connection:
            change_map(connection, map_name, queues=dict(queues))

    def set_marks(self, map_name: str, marks: Mapping[Side, Mark]) -> None:
        """Store the marks of a map's captures."""
        with self._database.writing() as connection:
            change_map(connection, map_name, marks=_stored(marks))

    def advance_marks(self, epochs: Mapping[str, int]) -> None:
        """Store, by map, the epoch that both apps have seen."""
        with self._database.writing() as connection:
            for name, known in _marks(connection, None).items():
                if name in epochs:
                    newer = {side: replace(m, epoch=epochs[name]) for side, m in known.items()}
                    change_map(connection, name, marks=_stored(newer))

    def set_companies(self, map_name: str, companies: Sequence[str]) -> None:
        """Store the companies whose rows are carried from now on."""
        with self._database.writing() as connection:
            known = _marks(connection, map_name).get(map_name, {})
            newer = {
                side: replace(mark, companies=tuple(companies)) for side, mark in known.items()
            }
            if newer != known:
                change_map(connection, map_name, marks=_stored(newer))

    def set_unseen(self, map_name: str, unseen: Mapping[Side, Sequence[str]]) -> None:
        """Store how rows can change so that a capture does not see it, by side."""
        with self._database.writing() as connection:
            known = _marks(connection, map_name).get(map_name, {})
            newer = {
                side: replace(mark, unseen=tuple(unseen.get(side, mark.unseen)))
                for side, mark in known.items()
            }
            if newer != known:
                change_map(connection, map_name, marks=_stored(newer))

    def advance_queues(
        self, map_name: str, stamps: Mapping[Side, int], given: Mapping[Side, int]
    ) -> None:
        """Store how far the inboxes and queues of a map's apps are, as a `Mark` has it.

        0 stands for what is not known.
        """
        with self._database.writing() as connection:
            known = _marks(connection, map_name).get(map_name, {})
            newer = {
                side: replace(
                    mark,
                    applied=max(mark.applied, stamps.get(side, 0)),
                    given=max(mark.given, given.get(side, 0)),
                )
                for side, mark in known.items()
            }
            if newer != known:
                change_map(connection, map_name, marks=_stored(newer))

    def set_waits(self, map_name: str, reason: str | None) -> bool:
        """Store why a map does not sync now; None when it does.  A new reason is logged.

        Returns:
            Whether the reason is a new one; nothing is written when it is the stored one.
        """
        query = select(MapModel.waits).where(MapModel.name == map_name)
        with self._database.reading() as connection:
            if connection.scalar(query) == reason:
                return False
        with self._database.writing() as connection:
            if connection.scalar(query.with_for_update()) == reason:
                return False
            change_map(connection, map_name, waits=reason)
            add_line(connection, map_name, "waits", reason or GOES_ON)
        return True


def _marks(connection: Connection, map_name: str | None) -> dict[str, dict[Side, Mark]]:
    query = select(MapModel.name, MapModel.marks)
    if map_name is not None:
        query = query.where(MapModel.name == map_name)
    return {
        row.name: {Side(side): _mark(each) for side, each in row.marks.items()}
        for row in connection.execute(query)
    }


def _mark(stored: Mapping[str, Any]) -> Mark:
    lists = {name: tuple(stored.get(name, ())) for name in ("unseen", "companies")}
    return Mark(**{**stored, **lists})


def _stored(marks: Mapping[Side, Mark]) -> dict[str, Any]:
    return {side.value: asdict(mark) for side, mark in marks.items()}
