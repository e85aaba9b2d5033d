"""The real data sets: their location, and their CSV files as Arrow text, unchanged.

Nothing is guessed from the files: every value arrives as the text that stands there,
padding and leading zeros included, and an empty field is `''`.  Who reads a column says
what it is (`decimals`, `dates`, `blank_as_null`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

PROJECT = Path(__file__).parents[2]
VARIABLE = "DUALWRITE_TEST_DATA"
REQUIRED = "DUALWRITE_TEST_REQUIRE_DATA"

Column = Any
"""A `pa.ChunkedArray` or `pa.Array`; the stubs distinguish the two too strictly."""


def data_folder() -> Path:
    """The folder of the data sets; the test is skipped, or failed where asked to, without it."""
    folder = Path(os.environ.get(VARIABLE) or PROJECT.parent / "shared" / "data")
    if not (folder / "adventureworks").is_dir():
        reason = f"no data sets in {folder} (say where they are: {VARIABLE}=DIR)"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@cache
def read(folder: Path, name: str) -> pa.Table:
    """One CSV file, every column as text."""
    path = folder / f"{name}.csv"
    with path.open("rb") as file:
        header = csv.read_csv(file, parse_options=csv.ParseOptions(newlines_in_values=True)).schema
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(header.names, pa.string()), strings_can_be_null=False
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    return csv.read_csv(path, parse_options=parse, convert_options=options)


def found(keys: Column, table: pa.Table, key: str, column: str) -> Column:
    """For each of `keys` the value of `column` in the first row of `table` with it, or null."""
    return table[column].take(pc.index_in(keys, value_set=table[key].combine_chunks()))


def named(keys: Column, names: Mapping[str, str | None]) -> Column:
    """For each of `keys` what `names` says; null where it says nothing."""
    values = pa.array(list(names.values()), pa.string())
    at = pc.index_in(keys, value_set=pa.array(list(names), pa.string()))
    return values.take(at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at)


def always(value: object, rows: pa.Table, type_: pa.DataType | None = None) -> Column:
    """`value` for every row."""
    return pa.repeat(pa.scalar(value, type_), rows.num_rows)


def blank_as_null(values: Column) -> Column:
    """Text, with null for `''`."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def decimals(values: Column, precision: int, scale: int) -> Column:
    """Decimals, straight from the text; `.0000` is a number, `''` is null."""
    padded = pc.if_else(pc.starts_with(values, "."), join(["0", values]), values)
    return blank_as_null(padded).cast(pa.decimal128(precision, scale))


def whole(values: Column) -> Column:
    """Whole numbers; `''` is null."""
    return blank_as_null(values).cast(pa.int64())


def dates(values: Column) -> Column:
    """Days, from `2022-05-30` or `2022-05-30T00:00:00`; `''` is null."""
    return blank_as_null(pc.utf8_slice_codeunits(values, 0, 10)).cast(pa.date32())


def moments(values: Column) -> Column:
    """Times in UTC, which the files do not say but mean."""
    return pc.assume_timezone(values.cast(pa.timestamp("us")), "UTC")


def join(parts: list[Any], between: str = "") -> Column:
    """Texts put together, row by row; null where one is null."""
    return pc.binary_join_element_wise(*parts, between)


def number(prefix: str, values: Column, digits: int = 9) -> Column:
    """`P` and `17` make `P000000017`."""
    return join([prefix, pc.utf8_lpad(values, digits, "0")])
