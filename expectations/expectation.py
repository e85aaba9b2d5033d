"""What every expectation of ours has in common: it carries one rule of the engine.

A class names its rule and declares the rule's parameters as fields: texts, whole
numbers and lists of texts, never floats, so that a suite written to JSON is exact.
Everything else is here.  The rule runs in Arrow over the columns it names, and only
row numbers and keys come back, never values: a result can be stored and shown.

GX caches metrics by their arguments, so the rule travels to the metric as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from string import Template
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from great_expectations.core import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    render_suite_parameter_string,
)
from great_expectations.expectations.expectation_configuration import (
    ExpectationConfiguration,
    parse_result_format,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import (
    CollapseContent,
    LegacyDiagnosticRendererType,
    LegacyRendererType,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.renderer import renderer
from great_expectations.render.renderer_configuration import (
    RendererConfiguration,
    RendererValueType,
)
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from dualwrite.gate_column import plain_name
from dualwrite.rules import RULES, Rule
from dualwrite.rules.wording import listed

METRIC = "dualwrite.failing_rows"
SAMPLE = 20
"""The number of keys of failing rows that a result shows."""


class FailingRows(TableMetricProvider):
    """The rows of a frame that fail a rule: their numbers, and the keys of the first ones."""

    metric_name = METRIC
    value_keys = ("rule", "parameters", "key")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - GX makes a class method of it
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> dict[str, Any]:
        del metrics, runtime_configuration
        frame, _, _ = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        rule = RULES[metric_value_kwargs["rule"]].from_kwargs(
            json.loads(metric_value_kwargs["parameters"])
        )
        failing = pc.indices_nonzero(rule.failing(arrow_of(frame, rule.columns)))
        names = json.loads(metric_value_kwargs["key"])
        keys = []
        if names and len(failing):
            first = arrow_of(frame, names).take(failing[:SAMPLE])
            keys = [named(row) for row in first.to_pylist()]
        return {"rows": len(frame), "failing": failing.to_numpy().tolist(), "keys": keys}


def named(key: Mapping[str, Any]) -> str:
    """A row's key for people."""
    return ", ".join(_written(part) for part in key.values())


def _written(value: Any) -> str:
    """A part of a key: a day without its midnight, a number with every digit."""
    match value:
        case None | "":
            return "(blank)"
        case datetime():
            moment = value if value.tzinfo is None else value.astimezone(UTC)
            if moment.time() == time():
                return moment.date().isoformat()
            zone = "" if value.tzinfo is None else " UTC"
            return f"{moment.replace(tzinfo=None).isoformat(' ')}{zone}"
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def arrow_of(frame: pd.DataFrame, columns: tuple[str, ...] | list[str]) -> pa.Table:
    """Columns of a frame as Arrow; nothing is copied where the frame holds Arrow."""
    return pa.table({name: _arrow(frame[name]) for name in columns})


def _arrow(column: pd.Series[Any]) -> Any:
    values = column.array
    if isinstance(values, pd.arrays.ArrowExtensionArray):
        return values.__arrow_array__()
    return pa.Array.from_pandas(column)


class RuleExpectation(BatchExpectation):
    """An expectation that a rule of the engine decides.

    Shapes: the frame has the columns of a gate table that the rule names, best with
    `pandas.ArrowDtype`.  The result counts rows: `element_count`, `unexpected_count`;
    with `COMPLETE` it has all failing rows by number in `unexpected_index_list`, and
    the first keys in `partial_unexpected_list`, where `unexpected_index_column_names`
    names those columns.
    """

    rule: ClassVar[type[Rule]]
    template: ClassVar[str]
    """What is expected, for Data Docs; `$name` is a parameter."""

    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether it is this class, which has no rule."""
        return "rule" not in vars(cls)

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """The names of the rule's parameters, as fields of this class."""
        return tuple(each.name for each in fields(cls.rule) if each.name != "severity")

    @classmethod
    def of(cls, rule: Rule) -> RuleExpectation:
        """The expectation that carries `rule`."""
        return cls.parse_obj(rule.to_kwargs())

    def _rule_kwargs(self) -> dict[str, Any]:
        severity = "critical" if self.severity == "critical" else "warning"
        return {name: getattr(self, name) for name in self.parameters()} | {"severity": severity}

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine[Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> ValidationDependencies:
        """Ask GX for the one metric; what it would work out beside takes longer than the rule."""
        del execution_engine
        asked = parse_result_format((runtime_configuration or {}).get("result_format", "BASIC"))
        needed = ValidationDependencies(metric_configurations={}, result_format=asked)
        key = asked.get("unexpected_index_column_names") or []
        metric = MetricConfiguration(
            metric_name=METRIC,
            metric_domain_kwargs={"batch_id": self.batch_id},
            metric_value_kwargs={
                "rule": self.rule.name,
                "parameters": json.dumps(self._rule_kwargs(), sort_keys=True),
                "key": json.dumps(key),
            },
        )
        needed.set_metric_configuration(METRIC, metric)
        return needed

    def _validate(
        self,
        metrics: Mapping[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        del execution_engine
        found = metrics[METRIC]
        rows, failing, keys = found["rows"], found["failing"], found["keys"]
        asked = (runtime_configuration or {}).get("result_format", "BASIC")
        result = {
            "element_count": rows,
            "unexpected_count": len(failing),
            "unexpected_percent": 100 * len(failing) / rows if rows else 0.0,
            "partial_unexpected_list": keys,
        }
        if (asked["result_format"] if isinstance(asked, dict) else asked) == "COMPLETE":
            result["unexpected_index_list"] = failing
        return {"success": not failing, "result": result}

    # Data Docs

    @classmethod
    def _described(cls, kwargs: Mapping[str, Any]) -> dict[str, str]:
        """The parameters as a person reads them."""
        described = {}
        for name in cls.parameters():
            # what is as by default is not among the arguments of a stored expectation
            value = kwargs.get(name, cls.__fields__[name].default)
            words = value if isinstance(value, list | tuple) else [value]
            described[name] = listed([_word(word) for word in words if word is not None])
        return described

    @classmethod
    def sentence(cls, kwargs: Mapping[str, Any]) -> str:
        """What is expected, the parameters filled in."""
        return Template(cls.template).safe_substitute(cls._described(kwargs))

    @classmethod
    def _prescriptive_template(
        cls, renderer_configuration: RendererConfiguration[Any]
    ) -> RendererConfiguration[Any]:
        for name, value in cls._described(renderer_configuration.kwargs).items():
            renderer_configuration.add_param(name, RendererValueType.STRING, value)
        renderer_configuration.template_str = cls.template
        return renderer_configuration

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedStringTemplateContent]:
        del result, runtime_configuration
        assert configuration is not None
        template = {"template": cls.template, "params": cls._described(configuration.kwargs)}
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template", string_template=template
            )
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_STATEMENT)
    def _diagnostic_unexpected_statement_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedStringTemplateContent | CollapseContent]:
        del configuration, runtime_configuration
        assert result is not None
        found = result.result
        if result.success or "unexpected_count" not in found:
            return []
        rows, failing = found["element_count"], found["unexpected_count"]
        config: Any = result.expectation_config
        own = {name: each for name, each in config.kwargs.items() if name in cls.parameters()}
        cure = cls.rule.from_kwargs(own).cure.replace("`", "")
        return [
            _styled(f"{failing:,} of {rows:,} rows do not.", "strong", "text-danger"),
            _styled(f"To fix it: {cure}", "div", "soft"),
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_TABLE)
    def _diagnostic_unexpected_table_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedTableContent | CollapseContent]:
        """Name the first failing rows by their keys."""
        del configuration, runtime_configuration
        keys = result.result.get("partial_unexpected_list") if result else None
        if not keys:
            return []
        assert result is not None
        more = result.result["unexpected_count"] - len(keys)
        cells = [*keys, f"and {more:,} more"] if more > 0 else keys
        return [
            RenderedTableContent(
                content_block_type="table",
                table=[[_styled(cell, "span", "key")] for cell in cells],
                header_row=[", ".join(result.result.get("key_names") or ["Their keys"])],
                styling={"body": {"classes": ["keys"]}},
            )
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> str:
        del configuration, runtime_configuration
        assert result is not None
        if "unexpected_percent" not in result.result:
            return "--"
        # cut, not rounded: one row of a million that fails leaves no 100 %
        met = math.floor((100 - result.result["unexpected_percent"]) * 100) / 100
        return f"{met:g} % of rows"


def _word(value: Any) -> str:
    """A parameter of a rule; a number with its thousands set apart."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return plain_name(str(value))


def _styled(text: str, tag: str, look: str) -> RenderedStringTemplateContent:
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={
            "template": "$text",
            "params": {"text": text},
            "tag": tag,
            "styling": {"classes": [look]},
        },
    )
