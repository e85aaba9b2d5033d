"""How the tests ask an app."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from dualwrite.apps.app import App
from dualwrite.apps.query import Query
from dualwrite.tablemap.notation import ColumnPath
from tests.apps.workshops import CUSTOMER


def paths(*texts: str) -> tuple[ColumnPath, ...]:
    return tuple(ColumnPath.parse(text) for text in texts)


def asking(table: str, *columns: str, key: tuple[str, ...] = (), **more: Any) -> Query:
    return Query(table, paths(*columns), key=paths(*key), **more)


def of_customers(*columns: str, **more: Any) -> Query:
    return asking("customer", "company", "number", *columns, key=("company", "number"), **more)


def held(app: App, query: Query) -> list[Mapping[str, Any]]:
    """The rows of a query, in the order of their values."""
    return sorted(app.read(query).to_pylist(), key=lambda row: list(map(str, row.values())))


def customers(*numbers: str, **columns: Any) -> pa.Table:
    """Customers of USMF; a column is one value for all of them, or a list."""
    wanted: dict[str, Any] = {"company": "USMF", "number": list(numbers), **columns}
    return pa.table(
        {
            name: pa.array(
                value if isinstance(value, list) else [value] * len(numbers),
                CUSTOMER.columns[name].type,
            )
            for name, value in wanted.items()
        }
    )


TEN_DECIMALS = Decimal("1234567890123456789012345678.0123456789")
