"""What stands in a map's queues: looked at, exported, held for a retry, dropped.

A queue may hold millions of entries; they are read a page at a time.  What is dropped
is exactly what was read, by id: an entry that came meanwhile stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from dualwrite.apps.capture import Capture, QueueMissingError
from dualwrite.errors import PermanentError
from dualwrite.journal.records import Rejection, Share
from dualwrite.link import Side
from dualwrite.sync.batch.held import keys_of, plain_rows
from dualwrite.sync.capture.captures import capture_of
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.routes.route import reading
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.keys import key_text, row_of

PAGE = 25_000
KEPT = "kept at resume"
"""The rule under which rows are held that queued while their map was paused."""


class ExportError(PermanentError):
    """A file of queued entries cannot be written."""

    def __init__(self, *, map_name: str, file: Path, reason: str) -> None:
        self.map_name, self.file = map_name, file
        super().__init__(
            f"{map_name}: its queue cannot be exported to {file} ({reason}). "
            "Nothing was dropped; every change stays in the queue.\n"
            "  Make room there, or give this user the right to write there, and repeat the command."
        )


def pending(session: Session, table_map: TableMap, side: Side) -> int:
    """How many entries a queue holds.

    Raises:
        QueueMissingError: There is no such queue.
    """
    capture = capture_of(session, table_map, side)
    counted = session.apps[side].pending([capture.queue])
    if capture.queue not in counted:
        raise QueueMissingError(app=side.value, table=capture.table, queue=capture.queue)
    return counted[capture.queue]


def entries(
    session: Session, table_map: TableMap, side: Side, *, text: str = "", limit: int
) -> pa.Table:
    """The oldest entries of a queue, of keys that hold `text` somewhere."""
    capture = capture_of(session, table_map, side)
    found: list[pa.Table] = []
    for page in pages(session, capture, side, PAGE if text else min(limit, PAGE)):
        found.append(page.filter(_holds(page, text)) if text else page)
        if sum(each.num_rows for each in found) >= limit:
            break
    return pa.concat_tables(found).slice(0, limit)


def export(session: Session, table_map: TableMap, side: Side, file: Path) -> list[pa.Array]:
    """Write a queue to a CSV file; the ids of what is in it.

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
                rows = _spelled(page)
                writer = writer or csv.CSVWriter(stream, rows.schema)
                writer.write_table(rows)
                ids.append(page["id"].combine_chunks())
            writer.close()
            # what is in the file may be dropped from the queue next
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise ExportError(map_name=table_map.name, file=file, reason=reason) from error
    return ids


def forget(session: Session, table_map: TableMap, side: Side, ids: list[pa.Array]) -> int:
    """Drop entries of a queue; how many there were."""
    capture = capture_of(session, table_map, side)
    return sum(session.apps[side].forget(capture.queue, some) for some in ids)


def keep(session: Session, table_map: TableMap, side: Side) -> tuple[int, int]:
    """Move a queue into the journal, as rows held for a retry; how many, and how many deletes.

    Deletes stay in the queue, and keys with a null part: a held row is found again by its
    key, and these would not be.  A page is held before it is dropped, so that a crash between
    the two leaves a row in both places, never in none.
    """
    capture = capture_of(session, table_map, side)
    query = reading(session, table_map, side)
    held = left = 0
    for page in pages(session, capture, side, PAGE):
        every = changes_of(page)
        named = every.texts.is_valid()
        moves = pc.and_not(named, every.deleted)
        changes = every.filter(moves)
        left += len(every) - len(changes)
        if not len(changes):
            continue
        rows = session.apps[side].fetch(query, changes.keys)
        rejected = _rejections(table_map, changes, rows)
        session.journal.record(table_map.name, {side.direction: Share(rejected=rejected)})
        session.apps[side].forget(capture.queue, every.ids_of(moves))
        held += len(changes)
    return held, left


def _rejections(table_map: TableMap, changes: Changes, rows: pa.Table) -> list[Rejection]:
    names = changes.keys.column_names
    at = row_of(changes.texts, key_text(rows, names)).to_pylist()
    values = plain_rows(rows)
    last = changes.at.to_pylist()
    return [
        Rejection(
            key,
            KEPT,
            f"it changed while the map was paused, last at {when:%Y-%m-%d %H:%M:%S} UTC, "
            "and was set aside when the map went live",
            dict(key) if place is None else values[place],
            mend=f"carry it across: dualwrite errors retry --map {table_map.name}",
            changed=changed,
        )
        for key, place, when, changed in zip(
            keys_of(changes.keys), at, last, changes.names(), strict=True
        )
    ]


def pages(session: Session, capture: Capture, side: Side, size: int) -> Iterator[pa.Table]:
    """A queue page by page, at least one; each in a state of its own, so that no reader
    stands in the way of a writer of the same file for long.
    """
    after = 0
    while True:
        with session.apps[side].snapshot() as snapshot:
            page = snapshot.dirty(capture, after=after, limit=size)
        yield page
        if page.num_rows < size:
            return
        after = page["id"][-1].as_py()


def _holds(page: pa.Table, text: str) -> Any:
    found: Any = pa.repeat(pa.scalar(value=False), page.num_rows)
    for name in page.column_names[4:]:
        hit = pc.match_substring(page[name].cast(pa.string()), text, ignore_case=True)
        found = pc.or_(found, pc.fill_null(hit, fill_value=False))
    return found


def _spelled(page: pa.Table) -> pa.Table:
    """Entries as a person reads them in a sheet."""
    keys = page.select(page.column_names[4:])
    changed = pc.replace_substring(pc.utf8_trim(page["changed"], '",'), '","', ", ")
    return pa.table(
        [*keys.columns, page["op"], changed, page["at"].cast(pa.string())],
        names=[*keys.column_names, "op", "changed", "at"],
    )
