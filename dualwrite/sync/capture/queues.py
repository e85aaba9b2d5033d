"""Reading a map's change queues, a page at a time: a queue may hold millions of entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, QueueMissingError
from dualwrite.apps.entries import Entries
from dualwrite.link import Side
from dualwrite.sync.capture.captures import capture_of
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap

PAGE = 25_000
"""Entries read at once."""


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
) -> Entries:
    """The oldest entries of a queue, of keys that hold `text` somewhere."""
    capture = capture_of(session, table_map, side)
    found: list[Entries] = []
    for page in pages(session, capture, side, PAGE if text else min(limit, PAGE)):
        found.append(page.filter(_holds(page, text)) if text else page)
        if sum(len(each) for each in found) >= limit:
            break
    return Entries.concat(found).slice(0, limit)


def pages(session: Session, capture: Capture, side: Side, size: int) -> Iterator[Entries]:
    """A queue page by page, at least one.

    Each page is read in a snapshot of its own, so that a reader never blocks a writer of the
    same file for long.
    """
    after = 0
    while True:
        with session.apps[side].snapshot() as snapshot:
            page = snapshot.entries(capture, after=after, limit=size)
        yield page
        if len(page) < size:
            return
        after = page.id[-1].as_py()


def begun_in(queue: str) -> str:
    """What an inbox calls the entries of a queue that are applied but for their late lookups."""
    return f"{queue}:new"


def acknowledged_of(queue: str) -> str:
    """What the app of a queue calls, in its own inbox, the last entry that was acknowledged."""
    return f"{queue}:done"


def _holds(page: Entries, text: str) -> Any:
    found: Any = pa.repeat(pa.scalar(value=False), len(page))
    for part in page.keys.columns:
        hit = pc.match_substring(part.cast(pa.string()), text, ignore_case=True)
        found = pc.or_(found, pc.fill_null(hit, fill_value=False))
    return found
