"""Optimistic update: many rows that only their source has changed, updated first.

The careful path locks rows, reads them, decides and writes.  Where a page of rows changed in the
same columns that is two visits too many: an update locks as it goes.  So such a page is
updated, and then the target's queue is asked, in a later statement as ever, whether the app has
changed one of the rows itself.  If it has, or a row is not there, is equal already or is held by
somebody, all of it is undone, and the careful path is taken (docs/decisions/0009).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Op
from dualwrite.apps.transactions import Writing
from dualwrite.sync.batch.batch import Batch, BatchContext
from dualwrite.sync.batch.outcomes import some
from dualwrite.sync.batch.stated import Stated
from dualwrite.sync.batch.target import sound_keys
from dualwrite.sync.batch.writing import changing_columns, physical_rows
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.periods import dated_of

AT_LEAST = 1_000
"""Fewer rows are locked and read as quickly as what they look up is found."""


class OptimisticUpdate:
    """One route of a map, for rows that are there and clean."""

    def __init__(self, context: BatchContext, route: Route, stated: Stated) -> None:
        self._context, self._route, self._stated = context, route, stated
        amounts = [column.money for column in route.flow.columns if column.money is not None]
        # what is written depends on what is there: an amount that came back rounded, an
        # end that the target spells otherwise
        self._depends = dated_of(route.table_map) is not None or any(m.mode for m in amounts)

    def update(self, writing: Writing, batch: Batch) -> bool:
        """Update all rows of a translated and gated batch, or change nothing and return False."""
        context, route, entries = self._context, self._route, batch.entries
        assert entries is not None
        if self._depends or len(entries) < AT_LEAST or not entries.alike or not writing.steps_back:
            return False
        if not pc.all(batch.verdict.passed).as_py() or some(entries.ours):
            return False
        if route.target in context.held:  # a version that the journal holds would be overwritten
            return False
        ready = context.finder.fill_in(batch.translated, route)
        if not pc.all(context.gate(route, ready, route.target_rules).passed).as_py():
            return False
        sources, touched = self._stated.sources, entries.touched
        changed = [name for name, own in sources.items() if not touched.isdisjoint(own)]
        rows = changing_columns(route, physical_rows(route, ready), changed)
        if rows.num_columns <= len(route.written_key):
            return False
        return self._attempt(writing, batch.translated, rows)

    def _attempt(self, writing: Writing, translated: pa.Table, rows: pa.Table) -> bool:
        route, capture = self._route, self._context.captures.get(self._route.target)
        keys, _ = sound_keys(route, translated)

        def work() -> bool:
            done = writing.update(route.target_table, rows, key=route.written_key)
            if done.updated != rows.num_rows:
                return False
            if capture is None:
                return True
            ours = writing.entries(capture, keys).is_op(Op.REQUEUED)
            return not some(pc.invert(ours))

        return writing.attempt(work)
