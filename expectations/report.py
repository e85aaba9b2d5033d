"""The results of the suites, added up: one answer for each expectation of each suite.

A run validates many partitions, in several threads or processes.  Their results are
small and plain, so that they travel, and a report of any number of partitions is no
larger than that of one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult

from dualwrite.gate_column import plain_name
from dualwrite.link import AppNames, Side
from expectations.expectation import SAMPLE

NAMED = 1000
"""Of how many rows of an expectation a report says why they failed, where it shows values."""
SIDES = {Side.FINOPS: "ERP", Side.DATAVERSE: "Dataverse"}
"""The sides of a report for people whose apps have no title in `dualwrite.toml`."""
_SIDE = re.compile("|".join(SIDES.values()))
_NAMING = ("target", "column", "source", "quantity")
"""The parameters that name the column an expectation is about, the first one given."""


@dataclass(frozen=True)
class About:
    """What a suite is about, for people."""

    map: str
    title: str
    direction: str
    """`ERP to Dataverse`, or `Dataverse, as it stands`."""
    key: tuple[str, ...] = ()
    """The columns that name a row."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """By the path of a column that is filled, that of the source's column that fills it."""


@dataclass(frozen=True)
class Answer:
    """The result of one expectation.  `keys` are those of the first rows that failed."""

    type: str
    kwargs: Mapping[str, Any]
    severity: str
    rows: int
    failing: int
    keys: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """What the answer is about, for people: a column, or the key."""
        named = next((self.kwargs[name] for name in _NAMING if self.kwargs.get(name)), None)
        return plain_name(str(named)) if named else "Key"

    @property
    def asked(self) -> str:
        """The expectation itself, the same in every run."""
        return json.dumps([self.type, self.kwargs, self.severity], sort_keys=True)

    @property
    def mark(self) -> str:
        """The same, short."""
        return hashlib.sha256(self.asked.encode()).hexdigest()[:12]

    def __add__(self, other: Answer) -> Answer:
        keys = tuple(dict.fromkeys((*self.keys, *other.keys)))[:SAMPLE]
        rows, failing = self.rows + other.rows, self.failing + other.failing
        return Answer(self.type, self.kwargs, self.severity, rows, failing, keys)


@dataclass(frozen=True)
class WorstRow:
    """A row, by its key, and the columns in which it failed."""

    key: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class RowCause:
    """Why a row failed one expectation, with the values that it failed for."""

    key: str
    column: str
    rule: str
    severity: str
    reason: str
    cure: str


@dataclass
class QualityReport:
    """Answers by suite, in the order in which suites and expectations came up."""

    suites: dict[str, dict[str, Answer]] = field(default_factory=dict)
    about: dict[str, About] = field(default_factory=dict)
    worst: dict[str, tuple[WorstRow, ...]] = field(default_factory=dict)
    """By suite, the rows that failed most expectations; those that failed one come last."""
    causes: dict[str, tuple[RowCause, ...]] = field(default_factory=dict)
    """By suite, why rows failed, of the first rows of each expectation; only where values of rows
    may be shown."""

    def add(
        self,
        result: ExpectationSuiteValidationResult,
        about: About | None = None,
        worst: Sequence[WorstRow] = (),
        causes: Sequence[RowCause] = (),
    ) -> None:
        """Count the result of one validation in."""
        self._merge(result.suite_name, map(_answer, result.results), worst, causes)
        if about is not None:
            self.about[result.suite_name] = about

    def merge(self, other: QualityReport) -> None:
        """Count another report in."""
        self.about |= other.about
        for suite, answers in other.suites.items():
            causes = other.causes.get(suite, ())
            self._merge(suite, answers.values(), other.worst.get(suite, ()), causes)

    def _merge(
        self,
        suite: str,
        answers: Iterable[Answer],
        worst: Sequence[WorstRow],
        causes: Sequence[RowCause],
    ) -> None:
        mine = self.suites.setdefault(suite, {})
        for answer in answers:
            mine[answer.asked] = mine[answer.asked] + answer if answer.asked in mine else answer
        rows = [*self.worst.get(suite, ()), *worst]
        self.worst[suite] = tuple(sorted(rows, key=lambda row: -len(row.columns))[:SAMPLE])
        if causes:
            self.causes[suite] = _first([*self.causes.get(suite, ()), *causes])

    def of(self, suite: str) -> About:
        """What a suite is about; its name where nothing is given."""
        return self.about.get(suite, About(suite, suite, ""))

    def titled(self, names: AppNames) -> QualityReport:
        """The same report with the titles of the apps, where they have one."""
        sides = {word: side for side, word in SIDES.items() if side in names.titles}

        def word(found: re.Match[str]) -> str:
            return names.of(sides[found[0]]) if found[0] in sides else found[0]

        about = {
            suite: replace(each, direction=_SIDE.sub(word, each.direction))
            for suite, each in self.about.items()
        }
        return replace(self, about=about)

    def failing(self) -> list[tuple[str, Answer]]:
        """Suite and answer of every expectation that some row failed, the worst first."""
        found = [(s, a) for s, answers in self.suites.items() for a in answers.values()]
        return sorted((each for each in found if each[1].failing), key=lambda e: -e[1].failing)


def _first(causes: Sequence[RowCause]) -> tuple[RowCause, ...]:
    """The first of each rule and column, so that a report is bounded, whatever the table."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for each in causes:
        seen[each.rule, each.column] += 1
        if seen[each.rule, each.column] <= NAMED:
            kept.append(each)
    return tuple(kept)


def _answer(result: Any) -> Answer:
    config, found = result.expectation_config, result.result
    kwargs = {name: value for name, value in config.kwargs.items() if name != "batch_id"}
    return Answer(
        type=config.type,
        kwargs=kwargs,
        severity=str(getattr(config.severity, "value", config.severity)),
        rows=found["element_count"],
        failing=found["unexpected_count"],
        keys=tuple(found["partial_unexpected_list"]),
    )
