"""Date-effective tables: read as of a day, write without overlaps, project to the valid row.

Arrow in, Arrow out, without apps or maps.  README.md in this folder describes the calls.
"""

from dualwrite.effective.changes import PeriodChanges
from dualwrite.effective.converting import ConvertedTable, NoEnd, spell_no_end, to_days, to_instants
from dualwrite.effective.deleting import plan_delete
from dualwrite.effective.periods import Moment, Periods, written
from dualwrite.effective.reading import (
    Activations,
    SplitByDate,
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
    "ConvertedTable",
    "Fault",
    "Findings",
    "Mode",
    "Moment",
    "NoEnd",
    "PeriodChanges",
    "Periods",
    "SplitByDate",
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
