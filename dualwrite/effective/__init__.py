"""Date-effective tables: reading them as of a day, writing them without overlap, showing one row.

Arrow in, Arrow out; no app, no map.  README.md in this folder says how to call it.
"""

from dualwrite.effective.changes import PeriodChanges
from dualwrite.effective.converting import Converted, NoEnd, spell_no_end, to_days, to_instants
from dualwrite.effective.deleting import plan_delete
from dualwrite.effective.periods import Moment, Periods, written
from dualwrite.effective.reading import (
    Activations,
    Split,
    activations,
    as_of,
    between,
    history,
    project,
    split,
)
from dualwrite.effective.soundness import Fault, Findings, beside, find_faults
from dualwrite.effective.stepwise import Mode
from dualwrite.effective.writing import plan_write

__all__ = [
    "Activations",
    "Converted",
    "Fault",
    "Findings",
    "Mode",
    "Moment",
    "NoEnd",
    "PeriodChanges",
    "Periods",
    "Split",
    "activations",
    "as_of",
    "beside",
    "between",
    "find_faults",
    "history",
    "plan_delete",
    "plan_write",
    "project",
    "spell_no_end",
    "split",
    "to_days",
    "to_instants",
    "written",
]
