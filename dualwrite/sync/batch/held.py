"""From a verdict to what the journal keeps of the rows held back.

Only failing rows become Python objects.  A row is described in its source's own terms,
as a person would find it there; a row that fails one rule and lacks a parent too
is rejected, for a parent alone would not help it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import changed_text, names_of
from dualwrite.journal.records import Key, Parking, Rejection
from dualwrite.rules import Verdict
from dualwrite.sync.batch.keys import keys_of, plain_rows
from dualwrite.sync.batch.outcomes import Mask, flat
from dualwrite.sync.routes.route import Route

REFUSED = "refused by the app"
"""The rule's name where the app itself refused the row, not a rule of ours."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rows held back in one direction."""

    rejected: tuple[Rejection, ...] = ()
    parked: tuple[Parking, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Of all of them."""
        return [*(row.key for row in self.rejected), *(row.key for row in self.parked)]

    def __add__(self, other: Held) -> Held:
        return Held(self.rejected + other.rejected, self.parked + other.parked)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row that the rules let pass is not written after all."""

    rule: str
    reason: str
    column: str = ""
    cure: str = ""


def hold(
    route: Route,
    source: pa.Table,
    ready: pa.Table,
    verdict: Verdict,
    refused: Mapping[int, str | Refused],
    changed: pa.Array | None = None,
) -> Held:
    """Describe every row that did not pass.

    Shapes: `source` and `ready` are aligned, n rows each; `refused` maps the number of a row
    that is not written to the app's reason, or to ours.  `changed` (n,) holds which columns wait
    with the row, spelled as in an entry: null for all of them.
    """
    numbers = _failing(verdict, refused)
    if not numbers:
        return Held()
    names = list(route.flow.source_key)
    taken = source.take(numbers)
    keys = keys_of(taken.select(names))
    rows = plain_rows(taken)
    at = {number: place for place, number in enumerate(numbers)}
    told_changed = [None] * len(numbers) if changed is None else changed.take(numbers).to_pylist()
    waiting = [names_of(text) for text in told_changed]
    rejected: dict[int, Rejection] = {}
    parked: dict[int, Parking] = {}
    for failure in sorted(verdict.failures, key=lambda failure: failure.rule.parks):
        rule = failure.rule
        told = rule.evidence(ready, failure.indices)
        for number, row in zip(failure.indices.to_pylist(), told, strict=True):
            if number in rejected or number in parked:
                continue
            key, whole = keys[at[number]], rows[at[number]]
            if rule.parks:
                parked[number] = Parking(
                    key, rule.waits_for(row), rule.reason(row), whole, changed=waiting[at[number]]
                )
            else:
                rejected[number] = Rejection(
                    key,
                    rule.called,
                    rule.reason(row),
                    whole,
                    column=rule.about,
                    cure=rule.cure,
                    changed=waiting[at[number]],
                )
    for number, why in refused.items():
        place = at[number]
        told_why = Refused(REFUSED, why) if isinstance(why, str) else why
        rejected[number] = Rejection(
            keys[place],
            told_why.rule,
            told_why.reason,
            rows[place],
            column=told_why.column,
            cure=told_why.cure,
            changed=waiting[place],
        )
    return Held(tuple(rejected.values()), tuple(parked.values()))


def waiting_columns(route: Route, forward: Mapping[str, Mask], found: Mask) -> pa.Array:
    """Which own columns wait with each of n rows that are held back, as an entry spells them.

    Those behind whatever goes `forward`, by target column; null, for all of them, where the
    target holds no such row.
    """
    n, pieces = len(found), []
    for name, own in own_of(route).items():
        if name in forward:
            pieces.append(pc.if_else(flat(forward[name]), changed_text(sorted(own)), ""))
    text: Any = pa.repeat(pa.scalar(""), n)
    if pieces:
        text = pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")
    return pc.if_else(found, text, None)


def own_of(route: Route) -> dict[str, set[str]]:
    """The source's own columns behind each of the target's."""
    return {str(c.target): {path.column for path in c.reads} for c in route.flow.columns}


def _failing(verdict: Verdict, refused: Mapping[int, str | Refused]) -> list[int]:
    """The numbers of all rows held back, ascending."""
    held = pc.indices_nonzero(pc.invert(verdict.passed)).to_pylist()
    return sorted({*held, *refused})
