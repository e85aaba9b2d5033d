"""Twins: rows that share their integration key in one app.

The initial sync meets them side by side in its batches, and the rule `key_unique` holds them.  A
queue names a key once, whatever rows it has, and a batch that is halved parts its twins: there
the rows say beside themselves which are twins.  Rows of the other side that share a key are told
where they are locked and read; a write by key would change all of them.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import TWIN, TWIN_TARGET
from dualwrite.rules import KeyUnique, judge
from dualwrite.sync.batch.batch import Batch
from dualwrite.sync.batch.outcomes import Mask, some
from dualwrite.translate.keys import duplicates


def twins_noted(rows: pa.Table, keys: pa.Array) -> pa.Table:
    """N rows with a column `TWIN` where some share their key, given as texts; else as they are."""
    twins = duplicates(keys)
    return rows.append_column(TWIN, twins) if some(twins) else rows


def hold_twins(batch: Batch) -> Batch:
    """Reject the rows of a translated and gated batch that are twins in their own app."""
    if TWIN not in batch.rows.column_names:
        return batch
    return _rejected(batch, TWIN, batch.rows[TWIN])


def hold_target_twins(batch: Batch) -> Batch:
    """Reject the rows whose key more than one row of the other side has: these stay as they are."""
    twins = batch.target.twins
    return _rejected(batch, TWIN_TARGET, twins) if some(twins) else batch


def _rejected(batch: Batch, name: str, twins: Mask) -> Batch:
    translated = batch.translated.append_column(name, pc.fill_null(twins, fill_value=False))
    verdict = judge(translated, [KeyUnique(key=batch.route.flow.key, noted=name)])
    return replace(batch, translated=translated, verdict=batch.verdict.join(verdict))
