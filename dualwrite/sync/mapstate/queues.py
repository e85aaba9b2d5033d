"""A map's change queue held or dropped when the map goes live without catching up.

A queue may hold millions of entries; they are read a page at a time.  Exactly the entries
that were read are removed, by id: an entry that arrived meanwhile stays.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from dualwrite.apps.entries import Entries
from dualwrite.errors import PermanentError
from dualwrite.journal.records import BatchRecord, Rejection
from dualwrite.link import Side
from dualwrite.sync.batch.keys import keys_of, plain_rows
from dualwrite.sync.capture.captures import capture_of
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.capture.queues import PAGE, pages
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.keys import key_text, row_of

HELD_AT_RESUME = "kept at resume"
"""The rule under which rows are held that were queued while their map was paused."""


class ExportError(PermanentError):
    """A file of queued entries cannot be written."""

    def __init__(self, *, map_name: str, file: Path, reason: str) -> None:
        self.map_name, self.file = map_name, file
        super().__init__(
            f"{map_name}: its queue cannot be exported to {file} ({reason}). "
            "Nothing was dropped; every change stays in the queue.\n"
            "  Make room there, or give this user the right to write there, and repeat the command."
        )


def export_queue(
    session: Session, table_map: TableMap, side: Side, file: Path
) -> Sequence[pa.Array]:
    """Write a queue to a CSV file; returns the ids of the entries in it.

    The key's columns come first, each named by its path, then `op`, `changed` and `at`.

    Raises:
        ExportError: The file cannot be written; there is none then.
    """
    capture = capture_of(session, table_map, side)
    part = file.with_name(f"{file.name}.part")
    ids = []
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            writer: Any = None
            for page in pages(session, capture, side, PAGE):
                rows = _readable(page)
                writer = writer or csv.CSVWriter(stream, rows.schema)
                writer.write_table(rows)
                ids.append(page.id)
            writer.close()
            # the entries in the file may be dropped from the queue next
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise ExportError(map_name=table_map.name, file=file, reason=reason) from error
    return ids


def drop_entries(session: Session, table_map: TableMap, side: Side, ids: Sequence[pa.Array]) -> int:
    """Remove entries from a queue; returns how many there were."""
    capture = capture_of(session, table_map, side)
    return sum(session.apps[side].acknowledge(capture.queue, some) for some in ids)


def hold_queue(session: Session, table_map: TableMap, side: Side) -> tuple[int, int]:
    """Move a queue into the journal, as rows held for a retry.

    Returns how many rows are held, and how many entries stay in the queue: deletes, and keys
    with a null part, because a held row is found again by its key.  A page is held before its
    entries are removed, so that a crash between the two leaves a row in both places, never in
    none.
    """
    capture = capture_of(session, table_map, side)
    query = reading(session, table_map, side)
    held = remaining = 0
    for page in pages(session, capture, side, PAGE):
        every = changes_of(page)
        named = every.texts.is_valid()
        moves = pc.and_not(named, every.deleted)
        changes = every.filter(moves)
        remaining += len(every) - len(changes)
        if not len(changes):
            continue
        rows = session.apps[side].fetch(query, changes.keys)
        rejected = _rejections(table_map, changes, rows)
        session.journal.held.record(
            table_map.name, {side.direction: BatchRecord(rejected=rejected)}
        )
        session.apps[side].acknowledge(capture.queue, every.ids_of(moves))
        held += len(changes)
    return held, remaining


def _rejections(table_map: TableMap, changes: Changes, rows: pa.Table) -> list[Rejection]:
    names = changes.keys.column_names
    at = row_of(changes.texts, key_text(rows, names)).to_pylist()
    values = plain_rows(rows)
    last = changes.at.to_pylist()
    return [
        Rejection(
            key,
            HELD_AT_RESUME,
            f"it changed while the map was paused, last at {when:%Y-%m-%d %H:%M:%S} UTC, "
            "and was set aside when the map went live",
            dict(key) if place is None else values[place],
            cure=f"carry it across: dualwrite errors retry --map {table_map.name}",
            changed=changed,
        )
        for key, place, when, changed in zip(
            keys_of(changes.keys), at, last, changes.names(), strict=True
        )
    ]


def _readable(page: Entries) -> pa.Table:
    """Entries as a person reads them in a spreadsheet."""
    changed = pc.replace_substring(pc.utf8_trim(page.changed, '",'), '","', ", ")
    return pa.table(
        [*page.keys.columns, page.op, changed, page.at.cast(pa.string())],
        names=[*page.keys.column_names, "op", "changed", "at"],
    )
