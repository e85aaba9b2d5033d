"""What is right for each case: the table of judges.

A judge is a function of what a case printed, and of what its projects hold afterwards; it gives
its complaints, and none where the case is right.  It says what its README, docstring or the log of
the public reports calls right, never what an earlier version printed.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.cases.found import Case
from tests.cases.judges import corners, exact, public, torture, tried
from tests.cases.judges.table import Judge
from tests.cases.output import Output, Verdict

JUDGES: Mapping[str, Judge] = (
    corners.JUDGES | exact.JUDGES | public.JUDGES | torture.JUDGES | tried.JUDGES
)
"""By the case's name."""


def judge(case: Case, output: Output) -> tuple[Verdict, str]:
    """The verdict on a case, and why."""
    if output.code is None:
        return Verdict.WRONG, f"did not end within {case.limit:.0f} s"
    crash = output.crashed()
    found = JUDGES.get(case.name)
    if found is None:
        if crash:
            return Verdict.WRONG, f"a crash: {crash}"[:200]
        return Verdict.NOT_JUDGED, "no judge yet"
    said = "; ".join(word for word in (f"a crash: {crash}" if crash else "", found(output)) if word)
    return (Verdict.WRONG, said[:300]) if said else (Verdict.RIGHT, "")
