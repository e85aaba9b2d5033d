"""Times that one side cannot tell apart, and the other can.

At 02:30 in the night when the clocks of Berlin go back it is 00:30 UTC, and 01:30 UTC an hour
later.  Where one side holds the local time and the other the 01:30, nothing has changed when
02:30 comes back: the 01:30 stays, though 02:30 by itself means the first of the two.  So does
10:00:00.6 where the other side keeps whole seconds and the map says that these are enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import column_of
from dualwrite.gate_column import Role, gate_name
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.transforms.kind import Equating, Step
from dualwrite.translate.flow import Flow, FlowColumn


def keep_equivalent_times(translated: pa.Table, held: pa.Table, flow: Flow) -> pa.Table:
    """Translated rows, but what the target holds wherever the same would come back of both.

    Shapes: as `dualwrite.translate.amounts.keep_equivalent`.
    """
    for column in flow.columns:
        steps, name = _way_back(column), str(column.target)
        if not steps or name not in held.column_names:
            continue
        came, kept = column_of(translated, name), column_of(held, name)
        known = {str(path): column_of(translated, _of_source(path)) for path in column.reads}
        rows = pa.table(known)
        alike = pc.equal(_through(steps, came, rows), _through(steps, kept, rows))
        alike = pc.fill_null(alike, fill_value=False)
        same = pc.if_else(alike, kept.cast(came.type), came)
        translated = translated.set_column(translated.column_names.index(name), name, same)
    return translated


def _way_back(column: FlowColumn) -> Sequence[Step]:
    """The steps of the other direction; none where values are compared as they are."""
    kind, steps = column.source_type, column.steps
    if kind is None:
        return ()
    back = [step.back(kind) for step in steps if isinstance(step, Equating) and step.compares]
    return back[::-1] if len(back) == len(steps) else ()


def _of_source(path: ColumnPath) -> str:
    return gate_name(Role.SOURCE, path)


def _through(steps: Sequence[Step], values: pa.Array, rows: pa.Table) -> pa.Array:
    for step in steps:
        values = step.apply(values, rows)
    return values
