"""The engine's gate, run by Great Expectations.

It returns exactly the verdict of the rules (a test proves it): the expectations carry
the rules, and the verdict is weighed from the row numbers that come back.  What GX
adds is the record: every validation is counted into a report for the Data Docs.

Four habits of GX would hurt and are kept out.  It hashes every frame by its values
(minutes for a million rows of decimals): the threshold for that is set to nothing.  A
context shared by threads gives wrong results: each call makes its own, in 10 ms.  It
draws progress bars, and makes a folder for pages with each context: both are off.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
import pyarrow as pa
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import pandas_execution_engine

from dualwrite.errors import PermanentError
from dualwrite.rules import Rule, Verdict
from dualwrite.rules.judging import weigh
from dualwrite.sync.way import Way
from expectations.expectation import SAMPLE, named
from expectations.report import About, Report, WorstRow
from expectations.suite import about_of, suite_of

pandas_execution_engine.HASH_THRESHOLD = 0
_CONFIG = DataContextConfig(
    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    progress_bars=ProgressBarsConfig(globally=False),
)


class NotEvaluatedError(PermanentError):
    """An expectation could not be evaluated, which says nothing about the rows."""

    def __init__(self, *, suite: str, expectation: str, reason: str) -> None:
        self.suite, self.expectation, self.reason = suite, expectation, reason
        super().__init__(
            f"{suite}: {expectation} could not be evaluated ({reason}). "
            "Nothing of this batch was written.\n"
            "  Run the map without Great Expectations: dualwrite run, or quality=false."
        )


class GreatExpectationsGate:
    """Judges batches for the engine.  Safe to use from several threads at once.

    Shapes: the gate table has n rows; so have the masks of the verdict.  Only the columns
    that the rules name reach GX, and the key, by which the report names rows.
    """

    def __init__(self) -> None:
        self.report = Report()
        self._lock = threading.Lock()

    def __call__(self, way: Way, rows: pa.Table, rules: Sequence[Rule]) -> Verdict:
        """Judge one batch.

        Raises:
            NotEvaluatedError: An expectation raised instead of answering.
        """
        key = [name for name in _key(way) if name in rows.column_names]
        return self.judge(rows, suite_of(way, rules), key, about_of(way), rules)

    def judge(
        self,
        rows: pa.Table,
        suite: gx.ExpectationSuite,
        key: Sequence[str],
        about: About,
        rules: Sequence[Rule],
    ) -> Verdict:
        """Judge any rows by the suite made of `rules`; `key` are the columns that name a row.

        Raises:
            NotEvaluatedError: An expectation raised instead of answering.
        """
        if not rows.num_rows or not rules:
            return weigh(rows.num_rows, [])
        wanted = dict.fromkeys([*(name for rule in rules for name in rule.columns), *key])
        result = validate(rows.select(list(wanted)), suite, key)
        failing = _failing(result)
        masks = [(rule, _mask(failing[rule], rows)) for rule in rules]
        worst = _worst(rows.select(list(key)), [(r, failing[r]) for r in rules if failing[r]])
        with self._lock:
            self.report.add(result, about, worst)
        return weigh(rows.num_rows, masks)

    def take(self) -> Report:
        """What was counted since the last call, or since the beginning."""
        with self._lock:
            taken, self.report = self.report, Report()
        return taken


def validate(
    rows: pa.Table, suite: gx.ExpectationSuite, key: Sequence[str] = ()
) -> ExpectationSuiteValidationResult:
    """Run a suite over a table; the result names failing rows by number and by `key`."""
    context = gx.get_context(mode="ephemeral", project_config=_CONFIG)
    frame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    return batch.validate(
        suite,
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(key)},
    )


def _key(way: Way) -> tuple[str, ...]:
    """The gate columns that name a row as its own app does."""
    return tuple(f"source:{name}" for name in way.flow.source_key)


def _failing(result: ExpectationSuiteValidationResult) -> Mapping[Rule, list[int]]:
    found: dict[Rule, list[int]] = {}
    for each in result.results:
        config: Any = each.expectation_config
        if "unexpected_index_list" not in each.result:
            raise NotEvaluatedError(
                suite=result.suite_name, expectation=config.type, reason=_reason(each)
            )
        found[config.to_domain_obj().to_rule()] = each.result["unexpected_index_list"]
    return found


def _reason(result: Any) -> str:
    """The first line of what the expectation raised."""
    told = result.exception_info
    if "exception_message" not in told:
        told = next(iter(told.values()), {})
    return str(told.get("exception_message") or "no reason given").splitlines()[0]


def _worst(keys: pa.Table, failing: Sequence[tuple[Rule, list[int]]]) -> list[WorstRow]:
    """The rows that fail most rules, by their keys."""
    if not failing or not keys.num_columns:
        return []
    times = np.zeros(keys.num_rows, dtype=np.int64)
    for _, numbers in failing:
        times[numbers] += 1
    most = np.argsort(-times, kind="stable")[:SAMPLE]
    found: dict[int, list[str]] = {int(number): [] for number in most if times[number]}
    for rule, numbers in failing:
        for number in found.keys() & set(numbers):
            found[number].append(rule.about.removeprefix("ref:"))
    told = keys.take(list(found)).to_pylist()
    return [
        WorstRow(named(key), tuple(columns))
        for key, columns in zip(told, found.values(), strict=True)
    ]


def _mask(failing: Sequence[int], rows: pa.Table) -> pa.BooleanArray:
    mask = np.zeros(rows.num_rows, dtype=bool)
    mask[list(failing)] = True
    return pa.array(mask)
