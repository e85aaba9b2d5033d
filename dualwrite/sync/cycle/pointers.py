"""Rows that point at a row whose key has changed.

A lookup holds a surrogate, so its value stays when the natural key of the row that it points at
changes, and no trigger fires.  The other side finds that row by its natural key, so to it the
lookup has changed: the rows that point there are queued, and cross like any that changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Op, changed_text
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Snapshot
from dualwrite.errors import PermanentError
from dualwrite.link import Side
from dualwrite.sync.capture.captures import capture_of
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath


@dataclass(frozen=True)
class Pointer:
    """A lookup of a map: by which column, and what of the row that it points at is read."""

    capture: Capture
    paths: tuple[ColumnPath, ...]

    @property
    def column(self) -> str:
        """The lookup column."""
        return self.paths[0].column


class Pointing:
    """Who points at what on one side, asked for the first time that a key changes."""

    def __init__(self, session: Session, side: Side) -> None:
        self._session, self._side = session, side
        self._queued = False

    def take_queued(self) -> bool:
        """Whether something was queued since this was called last."""
        queued, self._queued = self._queued, False
        return queued

    def queue(self, snapshot: Snapshot, table: str, changes: Changes) -> None:
        """Queue what points at rows of `table` that have come under n keys.

        A row that is queued twice is found to be equal the second time.

        Raises:
            TransientError, PermanentError: From the app; some may be queued.
        """
        for pointer in self._pointers.get(table, ()):
            names = [str(path.rest) for path in pointer.paths]
            if not set(names) <= set(changes.keys.column_names):
                continue
            keys = changes.keys.select(names).rename_columns([str(p) for p in pointer.paths])
            keys = distinct(keys.drop_null())
            capture = pointer.capture
            columns = tuple(dict.fromkeys((*capture.key, *pointer.paths)))
            query = Query(capture.table, columns, pointer.paths, lookups=capture.lookups)
            rows = snapshot.fetch(query, keys).select([str(path) for path in capture.key])
            if rows.num_rows:
                self._enqueue(pointer, rows)

    def _enqueue(self, pointer: Pointer, keys: pa.Table) -> None:
        changed = changed_text([pointer.column])
        with self._session.apps[self._side].writing() as writing:
            writing.enqueue(pointer.capture, keys, op=Op.UPDATE, changed=changed)
        self._queued = True

    @cached_property
    def _pointers(self) -> Mapping[str, Sequence[Pointer]]:
        """The lookups of all maps that have a queue here, by the table that they point at."""
        found: dict[str, list[Pointer]] = defaultdict(list)
        for record in self._session.journal.maps.all():
            if self._side.value not in record.queues:
                continue
            try:
                table_map = self._session.map(record.name)
            except PermanentError:  # its file is at fault, which its own cycle reports
                continue
            for table, pointer in self._of(table_map):
                found[table].append(pointer)
        return found

    def _of(self, table_map: TableMap) -> list[tuple[str, Pointer]]:
        end = table_map.end(self._side)
        columns = self._session.schema(self._side, end.table).columns
        paths: dict[str, list[ColumnPath]] = defaultdict(list)
        for column in table_map.columns:
            path = column.end(self._side)
            if path is not None and self._side in column.sign.sources and len(path.steps) > 1:
                paths[path.column].append(path)
        found = []
        for name, group in paths.items():
            points_at = end.lookups.get(name) or columns[name].references
            if points_at is not None:
                capture = capture_of(self._session, table_map, self._side)
                found.append((points_at.table, Pointer(capture, tuple(group))))
        return found
