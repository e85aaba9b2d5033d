"""The messages of refused dated writes: the rule, both periods, and the cure.

no_start, reversed, beyond   the row has no valid period
overlap                      it would be valid at the same time as another row
inside                       it would split a period, and the time after it would have no row
gap                          it would leave a gap, which the map forbids
covers                       a correction would leave nothing of the neighbouring row
not_current                  only the row that is valid now can be followed by a new period
moves_start                  only a correction changes the start of a row
target_unsound               the periods of the target overlap already
"""

from __future__ import annotations

from dualwrite.effective.changes import Refusal
from dualwrite.effective.periods import Periods, written
from dualwrite.effective.soundness import Fault

Span = tuple[int, int]

OWN = {Fault.NO_START: "no_start", Fault.REVERSED: "reversed", Fault.BEYOND: "beyond"}

_REASONS = {
    "no_start": ("{start} has no value", "fill in {start} at the source"),
    "reversed": (
        "the period ends before it begins: {period}",
        "correct {start} or {end} at the source",
    ),
    "beyond": (
        "{period} is beyond 2154-12-31, the last day",
        "write no end as null, 2154-12-31 or 9999-12-31",
    ),
    "overlap": (
        "{period} overlaps {other}, which would be in the target too",
        "end one of them before the other starts",
    ),
    "inside": (
        "{period} is inside {other}, and the time after it would have no row",
        "send the row that follows it in the same batch, or extend it to the same end",
    ),
    "gap": (
        "{period} leaves a gap next to {other}",
        "let one start when the other ends, or write `gaps: allow` in the map",
    ),
    "covers": (
        "{period} would leave nothing of the neighbouring period {other}",
        "delete the neighbouring row first, or let this row end before it does",
    ),
    "not_current": (
        "{other}, which the row would follow, is not valid now",
        "write `mode: effective` or `mode: correction` in the map",
    ),
    "moves_start": (
        "{period} would change the start of {other}",
        "write `mode: correction` in the map, or send it as a separate row",
    ),
    "target_unsound": (
        "the periods of the target overlap already, {other} among them, so {period} is not written",
        "correct them in the target",
    ),
}


def refuse(row: int, rule: str, period: Span, other: Span | None, periods: Periods) -> Refusal:
    """Make the refusal of a row, with its messages."""
    names = {
        "start": periods.start,
        "end": periods.end,
        "period": "no start" if rule == "no_start" else written(*period, periods),
        "other": None if other is None else written(*other, periods),
    }
    reason, cure = _REASONS[rule]
    return Refusal(
        row,
        rule,
        str(names["period"]),
        names["other"],
        reason.format(**names),
        cure.format(**names),
    )
