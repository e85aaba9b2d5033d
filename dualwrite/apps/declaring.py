"""Decimal columns declared anew: what an app checks before it, and what it refuses.

A declaration says how many digits a column keeps.  Changing it changes no stored value; where
a value would have to lose a digit, the change is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.guards import column_of
from dualwrite.errors import PermanentError, ReadOnlyTableError
from dualwrite.exact import as_decimals
from dualwrite.money import fits
from dualwrite.tablemap.schema import TableSchema

Declared = Mapping[str, pa.DataType]
"""Decimal columns and the types they are to have: `decimal128(p, s)`."""


class DigitsLostError(PermanentError):
    """Values that are stored have more digits than a column would keep."""

    def __init__(self, *, app: str, table: str, rows: Mapping[str, int]) -> None:
        self.app, self.table, self.rows = app, table, dict(rows)
        lost = ", ".join(f"{column} in {count:,} rows" for column, count in rows.items())
        super().__init__(
            f"{app}.{table}: values would lose digits: {lost}. Nothing was changed.\n"
            "  Round them in the app first, or leave the columns as wide as they are."
        )


class NotDeclaredError(PermanentError):
    """An app cannot declare a column anew."""

    def __init__(self, *, app: str, table: str, reason: str) -> None:
        self.app, self.table, self.reason = app, table, reason
        super().__init__(
            f"{app}.{table}: its columns cannot be declared with other digits ({reason}). "
            "Nothing was changed.\n"
            "  Have the app's owner change the table, then run the command again."
        )


def check_declared(app: str, schema: TableSchema, columns: Declared) -> None:
    """Refuse what no app can do.

    Raises:
        ReadOnlyTableError, MissingColumnError: The table is a view, or lacks a column.
        NotDeclaredError: A column is no exact decimal.
    """
    if schema.read_only is not None:
        raise ReadOnlyTableError(app=app, table=schema.name, reason=schema.read_only)
    for name in columns:
        reason = why_not(column_of(app, schema, name))
        if reason is not None:
            raise NotDeclaredError(app=app, table=schema.name, reason=f"{name} {reason}")


def why_not(column: Any) -> str | None:
    """Why a column's digits cannot be declared anew, where it is so."""
    if not pa.types.is_decimal(column.type):
        return f"is {column.native}, no decimal"
    if not column.exact:
        return f"is {column.native}, which bends digits in this app"
    return "is computed by the app" if column.read_only else None


def misfits(values: pa.ChunkedArray, kind: Any) -> int:
    """How many values would lose a digit as `kind`."""
    amounts = as_decimals(values, "")
    well = fits(amounts, kind.scale, None, "price", kind.precision)
    return int(pc.sum(pc.and_(amounts.is_valid(), pc.invert(well))).as_py() or 0)


def narrowed(schema: TableSchema, columns: Declared) -> dict[str, pa.DataType]:
    """Those of the columns that keep fewer digits than before, behind the point or before it."""
    found = {}
    for name, kind in columns.items():
        old: Any = schema.columns[name].type
        if kind.scale < old.scale or kind.precision - kind.scale < old.precision - old.scale:
            found[name] = kind
    return found
