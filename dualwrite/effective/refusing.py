"""Why a dated write is refused, in words: the rule, both periods, and the cure.

no_start, reversed, beyond   the row has no period, or one that no table can hold
overlap                      it would be valid at the same time as another row
inside                       it would cut a period in two, and what lies behind would be lost
gap                          it would leave time without a row, which the map forbids
covers                       a correction would leave nothing of the neighbour
not_current                  only the row that is valid now can be followed by a new period
moves_start                  only a correction moves the start of a row
target_unsound               the target's own periods overlap already
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
        "{period} reaches beyond 2154-12-31, the last day",
        "write no end as null, 2154-12-31 or 9999-12-31",
    ),
    "overlap": (
        "{period} overlaps {other}, which the target then holds too",
        "end one before the other starts",
    ),
    "inside": (
        "{period} lies inside {other}, and the time after it would have no row",
        "bring the row that follows it in the same batch, or let it last as long",
    ),
    "gap": (
        "{period} leaves a gap beside {other}",
        "let one start where the other ends, or write `gaps: allow` in the map",
    ),
    "covers": (
        "{period} leaves nothing of its neighbour {other}",
        "delete the neighbour first, or let the row end before it does",
    ),
    "not_current": (
        "{other}, which the row would follow, is not valid now",
        "write `mode: effective` or `mode: correction` in the map",
    ),
    "moves_start": (
        "{period} would move the start of {other}",
        "write `mode: correction` in the map, or bring it as a row of its own",
    ),
    "target_unsound": (
        "the target's own periods overlap already, {other} among them, so {period} is not written",
        "correct them in the target",
    ),
}


def refuse(row: int, rule: str, period: Span, other: Span | None, periods: Periods) -> Refusal:
    """Put a refusal into words."""
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
