"""The dataverse rows that correspond to rows of the ERP.

The columns correspond as the standard maps define it.  The translation is implemented here a
second time, independently of the engine's own, so that a sandbox in which both sides are equal
proves something.  Ids are drawn from row numbers (see `drawing`), so a lookup needs no search:
the key of a row of a large table contains its number, that of a small table is found by position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.link import Side
from dualwrite.sandbox.drawing import Numbers, identities
from dualwrite.sandbox.parties import CUSTOMER, are_persons
from dualwrite.sandbox.reference import COMPANIES
from dualwrite.sandbox.schema import TableDef, sandbox_tables
from dualwrite.tablemap.model import ColumnMap, TableMap, ValueMap

NUMBERED = frozenset(
    {
        "account",
        "contact",
        "invoice",
        "msdyn_contactforparty",
        "msdyn_globalproduct",
        "msdyn_party",
        "msdyn_postaladdresscollection",
        "msdyn_vendor",
        "quote",
        "salesorder",
    }
)
"""Tables whose key, after the company, begins with a letter and the number of the row."""

_BY = "\x1f"


class CounterpartRows:
    """Makes dataverse rows; remembers the keys of the small tables that it has made."""

    def __init__(self) -> None:
        self._known: dict[str, pa.Array] = {}

    def rows(self, table_map: TableMap, rows: pa.Table, numbers: Numbers | None = None) -> pa.Table:
        """The rows of the map's dataverse table for `rows` of the ERP, with ids and lookups.

        `numbers` are the rows' numbers; without them the table is small, and remembered.
        """
        target = sandbox_tables(Side.DATAVERSE)[table_map.end(Side.DATAVERSE).table]
        if numbers is None:
            self._known[target.name] = _key_text(
                [rows[str(path)] for path in table_map.end(Side.FINOPS).key]
            )
            numbers = np.arange(rows.num_rows)
        found: dict[str, pa.Array] = {f"{target.name}id": identities(target.name, numbers)}
        for column in table_map.columns:
            path = column.end(Side.DATAVERSE)
            if path is not None and not path.is_lookup:
                kind = target.columns[path.column].arrow
                found[path.column] = _value(column, rows, kind)
        for lookup, columns in _lookups(table_map).items():
            if (path := columns[0].end(Side.DATAVERSE)) is not None and path.targets:
                found |= _customers(lookup, rows[str(columns[0].end(Side.FINOPS))])
            else:
                found[lookup] = self._reference(target, lookup, columns, rows)
        found["modifiedon"] = rows["MODIFIEDDATETIME"]
        return pa.table(found)

    def _reference(
        self, target: TableDef, lookup: str, columns: Sequence[ColumnMap], rows: pa.Table
    ) -> pa.Array:
        table = target.columns[lookup].references
        assert table is not None, lookup
        values = [rows[str(column.end(Side.FINOPS))] for column in _in_key_order(table, columns)]
        if table in NUMBERED:
            numbers = _number_in(values[0])
        elif table == "product":
            numbers = _released(values[0], rows["DATAAREAID"])
        else:
            company = sandbox_tables(Side.DATAVERSE)[table].key[0] == "msdyn_company"
            text = _key_text(([rows["DATAAREAID"]] if company else []) + values)
            numbers = pc.index_in(text, self._known[table])
            if numbers.null_count > text.null_count:
                msg = f"sandbox: {target.name}.{lookup} names a row that dataverse does not hold"
                raise ValueError(msg)
        there = pc.is_valid(numbers)
        ids = identities(table, pc.fill_null(numbers, 0).to_numpy().astype(np.int64))
        return pc.if_else(there, ids, pa.scalar(None, pa.string()))


def _customers(lookup: str, accounts: pa.ChunkedArray) -> dict[str, pa.Array]:
    """A lookup into accounts and contacts, and which of them each row points at."""
    numbers = _number_in(accounts)
    there = pc.is_valid(numbers)
    known = pc.fill_null(numbers, 0).to_numpy().astype(np.int64)
    person = pa.array(are_persons(known, CUSTOMER))
    ids = pc.if_else(person, identities("contact", known), identities("account", known))
    kinds = pc.if_else(person, "contact", "account")
    return {
        lookup: pc.if_else(there, ids, pa.scalar(None, pa.string())),
        f"{lookup}type": pc.if_else(there, kinds, pa.scalar(None, pa.string())),
    }


def _number_in(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """The number of the row in a key such as C00000007."""
    return pc.utf8_slice_codeunits(keys, 1).cast(pa.int64())


def _released(products: pa.ChunkedArray, companies: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers of `trade.released_numbers`."""
    place = pc.index_in(companies, pa.array(COMPANIES)).cast(pa.int64())
    return pc.add(pc.multiply(_number_in(products), len(COMPANIES)), place)


def _lookups(table_map: TableMap) -> Mapping[str, list[ColumnMap]]:
    found: dict[str, list[ColumnMap]] = {}
    for column in table_map.columns:
        path = column.end(Side.DATAVERSE)
        if path is not None and path.is_lookup:
            found.setdefault(path.column, []).append(column)
    return found


def _in_key_order(table: str, columns: Sequence[ColumnMap]) -> list[ColumnMap]:
    if len(columns) == 1:
        return list(columns)
    key = sandbox_tables(Side.DATAVERSE)[table].key

    def place(column: ColumnMap) -> int:
        path = column.end(Side.DATAVERSE)
        assert path is not None
        return key.index(path.rest.column)

    return sorted(columns, key=place)


def _key_text(values: Sequence[pa.ChunkedArray]) -> pa.Array:
    texts = [value.cast(pa.string()) for value in values]
    text = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, _BY)
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _value(column: ColumnMap, rows: pa.Table, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    path = column.end(Side.FINOPS)
    values: Any = pa.nulls(rows.num_rows) if path is None else rows[str(path)]
    for transform in column.transforms:
        if transform.value_map is not None:
            values = _mapped(values, transform.value_map)
        elif transform.kind == "default":
            default = pa.scalar(str(transform.options)).cast(kind)
            values = pc.fill_null(values.cast(kind), default)
    return values.cast(kind)


def _mapped(values: pa.ChunkedArray, value_map: ValueMap) -> pa.ChunkedArray:
    left, right = zip(*value_map.pairs, strict=True)
    place = pc.index_in(values, pa.array(left, values.type))
    return pa.array(right).take(place.combine_chunks())
