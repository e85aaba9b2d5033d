"""Companies that no longer take part in a map: what waits of theirs is not dropped unseen.

A row of such a company lies outside of the map, so its entries would be acknowledged as those of
any row that has left.  The journal remembers the companies that were carried last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Entries
from dualwrite.apps.query import Query
from dualwrite.errors import PermanentError
from dualwrite.journal.records import Mark
from dualwrite.link import Side
from dualwrite.sync.capture.captures import capture_of
from dualwrite.sync.capture.queues import PAGE, pages
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.keys import key_text, row_of


class CompanyLeftError(PermanentError):
    """Changes of a company wait that is no longer carried."""

    def __init__(
        self, *, map_name: str, companies: Collection[str], changes: Mapping[Side, int]
    ) -> None:
        self.map_name, self.changes = map_name, changes
        named = ", ".join(sorted(companies))
        counted = " and ".join(f"{count:,} in {side.value}" for side, count in changes.items())
        super().__init__(
            f"{map_name}: {named} no longer takes part, and changes of it wait: {counted}. They "
            "would be dropped. Nothing was carried.\n"
            f"  Put it back, let dualwrite sync {map_name} carry them, and take it out then.\n"
            f"  Or give up all that waits: dualwrite pause {map_name}, then "
            f"dualwrite resume {map_name} --drop-queue, which exports it first."
        )


def guard_departed(session: Session, table_map: TableMap, marks: Mapping[Side, Mark]) -> None:
    """Let no company leave with changes pending.

    Raises:
        CompanyLeftError: One has left, by the marks of the last worker, and its changes wait.
        TransientError, PermanentError: From the apps.
    """
    carried = {company.casefold() for company in session.companies(table_map) or ()}
    gone, waiting = set[str](), dict[Side, int]()
    for side, mark in marks.items():
        left = [company for company in mark.companies if company.casefold() not in carried]
        if not left or table_map.end(side).company is None:
            continue
        changes = _waiting(session, table_map, side, {company.casefold() for company in left})
        if changes:
            gone, waiting[side] = gone | set(left), changes
    if waiting:
        raise CompanyLeftError(map_name=table_map.name, companies=gone, changes=waiting)


def _waiting(session: Session, table_map: TableMap, side: Side, left: set[str]) -> int:
    """How many entries of a queue are of these companies."""
    capture = capture_of(session, table_map, side)
    if capture.queue not in session.apps[side].pending([capture.queue]):
        return 0
    wanted = pa.array(sorted(left))
    count = 0
    for page in pages(session, capture, side, PAGE):
        names = pc.utf8_lower(_companies(session, table_map, side, page).cast(pa.string()))
        count += pc.sum(pc.is_in(names, value_set=wanted)).as_py() or 0
    return count


def _companies(session: Session, table_map: TableMap, side: Side, page: Entries) -> pa.Array:
    """The company of each entry's row (n,); null where the row is gone and its key does not say."""
    end = table_map.end(side)
    assert end.company is not None
    path = str(end.company)
    if path in page.keys.column_names:
        return page.keys[path].combine_chunks()
    columns = tuple(dict.fromkeys((*end.key, end.company)))
    query = Query(end.table, columns, end.key, lookups=end.lookups)
    rows = session.apps[side].fetch(query, page.keys)
    names = page.keys.column_names
    at = row_of(key_text(page.keys, names), key_text(rows, names))
    return rows[path].take(at).combine_chunks()
