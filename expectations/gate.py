"""The engine's gate, run by Great Expectations.

It returns exactly the verdict of the rules (a test proves it): the expectations carry
the rules, and the verdict is made from the row numbers that come back.  What GX
adds is the record: every validation is counted into a report for the Data Docs.

Four defaults of GX do harm and are switched off.  It hashes every frame by its values
(minutes for a million rows of decimals): the threshold for that is set to zero.  A
context shared by threads gives wrong results: each thread has its own.  It draws progress
bars, and makes a folder for pages with each context: both are off.
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
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import pandas_execution_engine

from dualwrite.errors import PermanentError
from dualwrite.gate_column import Role, gate_name, plain_name
from dualwrite.rules import Rule, Verdict
from dualwrite.rules.judging import weigh
from dualwrite.sync.routes.route import Route
from expectations.catalogue import rule_of
from expectations.expectation import SAMPLE, named
from expectations.report import NAMED, About, QualityReport, RowCause, WorstRow
from expectations.suite import about_of, suite_of

pandas_execution_engine.HASH_THRESHOLD = 0
_CONFIG = DataContextConfig(
    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    progress_bars=ProgressBarsConfig(globally=False),
)

_OWN = threading.local()
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


class NotEvaluatedError(PermanentError):
    """An expectation could not be evaluated, which is no result about the rows."""

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

    def __init__(self, *, values: bool = False) -> None:
        """With `values` the report also says why rows failed, which shows values of theirs."""
        self._values = values
        self.report = QualityReport()
        self._lock = threading.Lock()

    def __call__(self, route: Route, rows: pa.Table, rules: Sequence[Rule]) -> Verdict:
        """Judge one batch.

        Raises:
            NotEvaluatedError: An expectation raised instead of answering.
        """
        key = [name for name in _key(route) if name in rows.column_names]
        return self.judge(rows, suite_of(route, rules), key, about_of(route), rules)

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
        masks = _masks(result, rules, rows.num_rows)
        worst = _worst(rows.select(list(key)), masks)
        causes = _causes(rows, key, masks) if self._values else []
        with self._lock:
            self.report.add(result, about, worst, causes)
        none = pa.repeat(pa.scalar(value=False), rows.num_rows)
        return weigh(
            rows.num_rows,
            [(rule, pa.array(masks[rule]) if rule in masks else none) for rule in rules],
        )

    def take(self) -> QualityReport:
        """What was counted since the last call, or since the beginning."""
        with self._lock:
            taken, self.report = self.report, QualityReport()
        return taken


def validate(
    rows: pa.Table, suite: gx.ExpectationSuite, key: Sequence[str] = ()
) -> ExpectationSuiteValidationResult:
    """Run a suite over a table; the result names failing rows by number and by `key`."""
    frame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    batch = _whole().get_batch({"dataframe": frame})
    return batch.validate(
        suite,
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(key)},
    )


def _whole() -> BatchDefinition[Any]:
    """What any frame of this thread is a batch of, made once: that takes as long as ten rules."""
    made: BatchDefinition[Any] | None = getattr(_OWN, "whole", None)
    if made is None:
        context = gx.get_context(mode="ephemeral", project_config=_CONFIG)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        made = _OWN.whole = asset.add_batch_definition_whole_dataframe("whole")
    return made


def _key(route: Route) -> tuple[str, ...]:
    """The gate columns that name a row as its own app does."""
    return tuple(gate_name(Role.SOURCE, name) for name in route.flow.source_key)


def _masks(
    result: ExpectationSuiteValidationResult, rules: Sequence[Rule], rows: int
) -> Mapping[Rule, Mask]:
    """Which rows fail, by rule; rules that none fails are left out.

    Raises:
        NotEvaluatedError: An expectation raised instead of answering.
    """
    found: dict[Rule, Mask] = {}
    for each in result.results:
        config: Any = each.expectation_config
        if "unexpected_index_list" not in each.result:
            raise NotEvaluatedError(
                suite=result.suite_name, expectation=config.type, reason=_reason(each)
            )
        if numbers := each.result["unexpected_index_list"]:
            severity = getattr(config.severity, "value", config.severity)
            mask = np.zeros(rows, dtype=bool)
            mask[numbers] = True
            found[rule_of(config.type, config.kwargs, severity)] = mask
    # Great Expectations keeps no order
    return {rule: found[rule] for rule in rules if rule in found}


def _reason(result: Any) -> str:
    """The first line of what the expectation raised."""
    error = result.exception_info
    if "exception_message" not in error:
        error = next(iter(error.values()), {})
    return str(error.get("exception_message") or "no reason given").splitlines()[0]


def _worst(keys: pa.Table, masks: Mapping[Rule, Mask]) -> list[WorstRow]:
    """The rows that fail most rules, by their keys."""
    if not masks or not keys.num_columns:
        return []
    times = np.zeros(keys.num_rows, dtype=np.int16)
    for mask in masks.values():
        times += mask
    faulty = np.flatnonzero(times)
    most = faulty[np.argsort(-times[faulty], kind="stable")][:SAMPLE]
    columns = [tuple(rule.about for rule, mask in masks.items() if mask[number]) for number in most]
    found = keys.take(pa.array(most)).to_pylist()
    return [WorstRow(named(key), names) for key, names in zip(found, columns, strict=True)]


def _causes(rows: pa.Table, key: Sequence[str], masks: Mapping[Rule, Mask]) -> list[RowCause]:
    """Why the first rows of each rule failed, in the words in which they would be held."""
    found = []
    for rule, mask in masks.items():
        numbers = pa.array(np.flatnonzero(mask)[:NAMED])
        names = rows.select(list(key)).take(numbers).to_pylist() if key else [{}] * len(numbers)
        told = zip(names, rule.evidence(rows, numbers), strict=True)
        found += [
            RowCause(
                named(name),
                plain_name(rule.about),
                rule.called,
                rule.severity,
                rule.reason(row),
                rule.cure,
            )
            for name, row in told
        ]
    return found
