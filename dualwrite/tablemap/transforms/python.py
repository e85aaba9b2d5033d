"""`python: package.module:function`: a function of the user's own, pandas Series in and out.

The series have Arrow-backed types, so decimals stay decimals.  pandas is imported
when the first such column is translated.  A result of another length or order would
put values into wrong rows, so it is refused, and so is one that Arrow cannot hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import pyarrow as pa

from dualwrite.tablemap.functions import FunctionError, load_function
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformError,
    TransformKind,
)

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Python(ColumnStep):
    """Calls `function`, written `package.module:name`."""

    function: str
    where: str

    @property
    def makes_nulls(self) -> bool:
        return True

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        try:
            import pandas as pd
        except ImportError as error:
            self._refuse("pandas is not installed (dualwrite[pandas])", error)
        function = self._load()
        series = values.to_pandas(types_mapper=pd.ArrowDtype)
        try:
            result = function(series)
        except Exception as error:  # noqa: BLE001 - whatever a function of the user's raises
            self._refuse(f"{self.function} raised {type(error).__name__}", error)
        if not isinstance(result, pd.Series):
            self._refuse(f"{self.function} gave a {type(result).__name__}, not a Series")
        if len(result) != len(series):
            self._refuse(f"{self.function} gave {len(result):,} values for {len(series):,}")
        if not result.index.equals(series.index):
            self._refuse(f"{self.function} gave the rows back in another order")
        try:
            return _array(result)
        except (pa.ArrowException, TypeError, ValueError) as error:
            self._refuse(f"{self.function} gave values of more than one type", error)

    def _load(self) -> Any:
        try:
            return load_function(self.function)
        except FunctionError as error:
            self._refuse(f"{self.function} cannot be imported", error)

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        raise TransformError(where=self.where, kind="python", reason=reason) from cause


def _array(result: Any) -> pa.Array:
    array = pa.array(result, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _build(transform: Transform, context: StepContext) -> Python:
    options = transform.options
    if isinstance(options, str):
        options = {"function": options}
    wanted = "function" if context.forward else "inverse"
    if wanted not in options:
        raise context.no_inverse(transform)
    return Python(options[wanted], context.where)


def _accepts(options: Any) -> bool:
    names = list(options.values()) if isinstance(options, dict) else [options]
    if isinstance(options, dict) and not {"function"} <= options.keys() <= {"function", "inverse"}:
        return False
    return all(isinstance(name, str) and _FUNCTION.fullmatch(name) for name in names)


def _has_inverse(options: Any) -> bool:
    return isinstance(options, dict) and "inverse" in options


KINDS = (
    TransformKind(
        "python",
        "python: package.module:function, or {function: m:f, inverse: m:g}",
        _accepts,
        _build,
        reversible=_has_inverse,
        fills_null=True,
    ),
)
