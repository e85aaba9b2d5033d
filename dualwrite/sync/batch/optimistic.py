"""Many rows that only their source has changed: updated first, looked at afterwards.

The careful way locks rows, reads them, decides and writes.  Where a page of rows changed in the
same columns that is two visits too many: an update locks as it goes.  So such a page is
updated, and then the target's queue is asked, in a later statement as ever, whether the app has
changed one of the rows itself.  If it has, or a row is not there, is equal already or is held by
somebody, all of it is undone, and the careful way is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Writing
from dualwrite.rules import Verdict
from dualwrite.sync.batch.target import sound_keys
from dualwrite.sync.batch.writing import changing_columns, physical_rows
from dualwrite.sync.capture.changes import REQUEUED, Changes, ops_in
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.periods import dated_of

if TYPE_CHECKING:
    from dualwrite.sync.cycle.crossing import Link

AT_LEAST = 1_000
"""Fewer rows are locked and read as quickly as what they look up is found."""


class OptimisticUpdate:
    """One way of a map, for rows that are there and clean.

    `sources` are the own columns of the source that each target path is told from.
    """

    def __init__(self, link: Link, route: Route, sources: Mapping[str, Collection[str]]) -> None:
        self._link, self._way, self._sources = link, route, sources
        amounts = [column.money for column in route.flow.columns if column.money is not None]
        # what is written depends on what is there: an amount that came back rounded, an
        # end that the target spells in its own way
        self._depends = dated_of(route.table_map) is not None or any(m.mode for m in amounts)

    def carry(self, writing: Writing, out: pa.Table, changes: Changes, verdict: Verdict) -> bool:
        """Update all of n rows, or change nothing and say so."""
        if self._depends or len(changes) < AT_LEAST or not changes.alike or not writing.steps_back:
            return False
        if not pc.all(verdict.passed).as_py() or pc.any(changes.ours).as_py():
            return False
        link, route = self._link, self._way
        if route.target in link.waiting:  # a version that the journal holds would be overwritten
            return False
        ready = link.finder.fill_in(out, route)
        if not pc.all(link.gate(route, ready, route.target_rules).passed).as_py():
            return False
        changed = [n for n, own in self._sources.items() if not changes.touched.isdisjoint(own)]
        rows = changing_columns(route, physical_rows(route, ready), changed)
        return rows.num_columns > len(route.written_key) and self._update(writing, out, rows)

    def _update(self, writing: Writing, out: pa.Table, rows: pa.Table) -> bool:
        route, capture = self._way, self._link.captures.get(self._way.target)
        keys, _ = sound_keys(route, out)

        def work() -> bool:
            done = writing.update(route.target_table, rows, key=route.written_key)
            if done.updated != rows.num_rows:
                return False
            if capture is None:
                return True
            ops = ops_in(writing.dirty(capture, keys))
            return not pc.any(pc.not_equal(ops, REQUEUED)).as_py()

        return writing.tried(work)
