"""Great Expectations' own classes, and the user's, evaluated over the rows of a batch.

`failing` is the entry point `great_expectations` of the group `dualwrite.rules`, by which the
engine finds it.  The frame has the columns that the expectation names and nothing else, and
only row numbers come back.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
import pyarrow as pa
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import pandas_execution_engine

from dualwrite.rules.outside import Outside, OutsideError
from dualwrite.rules.own import load_class

# it hashes every frame by its values, which takes minutes for a million rows of decimals
pandas_execution_engine.HASH_THRESHOLD = 0
_CONFIG = DataContextConfig(
    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    progress_bars=ProgressBarsConfig(globally=False),
)


def failing(rule: Outside, table: pa.Table) -> pa.BooleanArray:
    """Which rows of a table fail.

    Raises:
        OutsideError: There is no such class, its options are wrong, it broke off, or it gives
            no result for single rows.
    """
    mask = np.zeros(table.num_rows, dtype=bool)
    if not table.num_rows:
        return pa.array(mask)
    expectation = _made(rule)
    context = gx.get_context(mode="ephemeral", project_config=_CONFIG)
    frame = table.select(list(dict.fromkeys(rule.columns))).to_pandas(types_mapper=pd.ArrowDtype)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset(rule.type)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    result: Any = batch.validate(expectation, result_format={"result_format": "COMPLETE"})
    found = result.result or {}
    if "unexpected_index_list" not in found:
        if result.success:
            return pa.array(mask)
        raise OutsideError(called=rule.type, reason=_reason(result))
    mask[list(found["unexpected_index_list"] or ())] = True
    return pa.array(mask)


def _made(rule: Outside) -> Any:
    """The expectation of its class and options."""
    kind: Any = getattr(gx.expectations, rule.type, None)
    if rule.file:
        kind = load_class(Path(rule.file), rule.type)
    if kind is None:
        raise OutsideError(called=rule.type, reason="Great Expectations has no such class")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(**json.loads(rule.options))
    except Exception as error:
        raise OutsideError(called=rule.type, reason=" ".join(str(error).split())) from error


def _reason(result: Any) -> str:
    """The first line of what the expectation raised."""
    error = result.exception_info or {}
    if "exception_message" not in error:
        error = next(iter(error.values()), {})
    message = error.get("exception_message") if isinstance(error, dict) else None
    if not message:
        return "it gives no result for single rows"
    return str(message).splitlines()[0]
