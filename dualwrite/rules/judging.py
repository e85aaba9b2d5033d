"""All rules over one gate table: which rows pass, which wait, which are rejected, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.rules.keys import KeyPresent
from dualwrite.rules.rule import Rule


@dataclass(frozen=True)
class Failure:
    """The rows that failed one rule, by their number in the table."""

    rule: Rule
    indices: pa.Int64Array


@dataclass(frozen=True)
class Verdict:
    """The result of the rules over a table.  The masks are as long as the table and never null."""

    passed: pa.BooleanArray
    """Rows that failed no critical rule."""
    failures: tuple[Failure, ...]
    """Critical rules that some row failed, in the order of the rules."""
    parked: pa.BooleanArray
    """Rows that failed, and only rules that park."""
    warnings: tuple[Failure, ...] = ()
    key: tuple[str, ...] = ()
    """The gate columns that identify a row, where a rule knows them."""

    @property
    def rejected(self) -> pa.BooleanArray:
        """Rows that neither passed nor are parked."""
        return pc.invert(pc.or_(self.passed, self.parked))

    def filter(self, mask: pa.BooleanArray) -> Verdict:
        """The same of the rows that `mask` keeps, numbered anew."""
        if pc.all(mask).as_py():
            return self
        # the new number of each kept row; null where it is not kept
        kept = pc.indices_nonzero(mask).cast(pa.int64())

        def moved(failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
            places = [
                Failure(
                    each.rule,
                    pc.index_in(each.indices, value_set=kept).drop_null().cast(pa.int64()),
                )
                for each in failures
            ]
            return tuple(each for each in places if len(each.indices))

        return Verdict(
            self.passed.filter(mask),
            moved(self.failures),
            self.parked.filter(mask),
            moved(self.warnings),
            self.key,
        )

    def join(self, other: Verdict) -> Verdict:
        """Both verdicts on the same rows as one; this one's reasons come first."""
        held = pc.or_(pc.invert(self.passed), pc.invert(other.passed))
        rejected = pc.or_(self.rejected, other.rejected)
        return Verdict(
            pc.invert(held),
            self.failures + other.failures,
            pc.and_not(held, rejected),
            self.warnings + other.warnings,
            self.key or other.key,
        )


def judge(table: pa.Table, rules: Sequence[Rule]) -> Verdict:
    """Evaluate every rule over every row."""
    return weigh(table.num_rows, [(rule, rule.failing(table)) for rule in rules])


def weigh(rows: int, answers: Sequence[tuple[Rule, pa.BooleanArray]]) -> Verdict:
    """The verdict on `rows` rows, from the mask of failing rows that each rule gave.

    Great Expectations, which runs the rules by itself, gets the same verdict by it.
    """
    nothing = pa.repeat(pa.scalar(value=False), rows)
    held: dict[bool, list[pa.BooleanArray]] = {True: [nothing], False: [nothing]}
    failures: list[Failure] = []
    warnings: list[Failure] = []
    for rule, mask in answers:
        if not pc.any(mask).as_py():
            continue
        failure = Failure(rule, pc.indices_nonzero(mask).cast(pa.int64()))
        if rule.severity == "critical":
            failures.append(failure)
            held[rule.parks].append(mask)
        else:
            warnings.append(failure)
    waiting, rejected = (reduce(pc.or_, held[parks]) for parks in (True, False))
    return Verdict(
        passed=pc.invert(pc.or_(waiting, rejected)),
        failures=tuple(failures),
        parked=pc.and_not(waiting, rejected),
        warnings=tuple(warnings),
        key=next((rule.key for rule, _ in answers if isinstance(rule, KeyPresent)), ()),
    )


def explain(table: pa.Table, verdict: Verdict, limit: int | None = None) -> list[dict[str, Any]]:
    """List the failing rows, in the order of the table, with the rules they failed and why.

    Each entry has `row` (its number), `key`, `rule` and `reason` (the first rule that decided:
    a rejecting one before a parking one), `parked`, and `others`, the further ones.  At most
    `limit` rows are explained.
    """
    rows = pc.indices_nonzero(pc.invert(verdict.passed)).cast(pa.int64())
    if limit is not None:
        rows = rows.slice(0, limit)
    wanted = pa.array(rows)
    reasons: dict[int, list[dict[str, str]]] = {number: [] for number in rows.to_pylist()}
    for failure in sorted(verdict.failures, key=lambda failure: failure.rule.parks):
        rule = failure.rule
        numbers = failure.indices.filter(pc.is_in(failure.indices, value_set=wanted))
        values = rule.evidence(table, numbers)
        for number, row in zip(numbers.to_pylist(), values, strict=True):
            reasons[number].append({"rule": rule.called, "reason": rule.reason(row)})
    keys = table.select(list(verdict.key)).take(rows).to_pylist()
    parked = verdict.parked.take(rows).to_pylist()
    return [
        {
            "row": number,
            "key": keys[place] if verdict.key else {},
            **reasons[number][0],
            "parked": parked[place],
            "others": reasons[number][1:],
        }
        for place, number in enumerate(reasons)
    ]
