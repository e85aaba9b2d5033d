"""Times that one side cannot tell apart, and the other can.

At 02:30 in the night when the clocks of Berlin go back it is 00:30 UTC, and 01:30 UTC an hour
later.  Where one side holds the local time and the other the 01:30, nothing has changed when
02:30 comes back: the 01:30 stays, though 02:30 by itself means the first of the two.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import column_of
from dualwrite.gate_column import Role, gate_name
from dualwrite.tablemap.transforms.times import Zone
from dualwrite.translate.flow import Flow, FlowColumn


def keep_equivalent_times(translated: pa.Table, held: pa.Table, flow: Flow) -> pa.Table:
    """Translated rows, but what the target holds wherever to the source it is the same time.

    Shapes: as `dualwrite.translate.amounts.keep_equivalent`.
    """
    for column in flow.columns:
        step, name = equivalence(column), str(column.target)
        if step is None or name not in held.column_names:
            continue
        came, kept = column_of(translated, name), column_of(held, name)
        own = column_of(translated, gate_name(Role.SOURCE, column.source))
        same = pc.if_else(step.same(kept, own), kept.cast(came.type), came)
        translated = translated.set_column(translated.column_names.index(name), name, same)
    return translated


def equivalence(column: FlowColumn) -> Zone | None:
    """The only step of a two-way column, where it tells which values mean the same."""
    step = column.steps[0] if len(column.steps) == 1 else None
    return step if isinstance(step, Zone) and step.two_way and not step.whole else None
