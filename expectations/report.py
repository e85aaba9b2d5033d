"""What the suites said, added up: one answer for each expectation of each suite.

A run validates many partitions, in several threads or processes.  Their results are
small and plain, so that they travel, and a report of any number of partitions is no
larger than that of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult

from expectations.expectation import SAMPLE


@dataclass(frozen=True)
class Answer:
    """How one expectation fared.  `keys` are those of the first rows that failed."""

    type: str
    kwargs: Mapping[str, Any]
    severity: str
    rows: int
    failing: int
    keys: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """What the answer is about, for people: a column, or the key."""
        named = self.kwargs.get("target") or self.kwargs.get("column")
        return str(named).removeprefix("source:").removeprefix("ref:") if named else "Key"

    def __add__(self, other: Answer) -> Answer:
        keys = tuple(dict.fromkeys((*self.keys, *other.keys)))[:SAMPLE]
        rows, failing = self.rows + other.rows, self.failing + other.failing
        return Answer(self.type, self.kwargs, self.severity, rows, failing, keys)


@dataclass
class Report:
    """Answers by suite, in the order in which suites and expectations came up."""

    suites: dict[str, dict[str, Answer]] = field(default_factory=dict)

    def add(self, result: ExpectationSuiteValidationResult) -> None:
        """Count the result of one validation in."""
        self._merge(result.suite_name, map(_answer, result.results))

    def merge(self, other: Report) -> None:
        """Count another report in."""
        for suite, answers in other.suites.items():
            self._merge(suite, answers.values())

    def _merge(self, suite: str, answers: Iterable[Answer]) -> None:
        mine = self.suites.setdefault(suite, {})
        for answer in answers:
            asked = json.dumps([answer.type, answer.kwargs, answer.severity], sort_keys=True)
            mine[asked] = mine[asked] + answer if asked in mine else answer

    def failing(self) -> list[tuple[str, Answer]]:
        """Suite and answer of every expectation that some row failed, the worst first."""
        found = [(s, a) for s, answers in self.suites.items() for a in answers.values()]
        return sorted((each for each in found if each[1].failing), key=lambda e: -e[1].failing)


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
