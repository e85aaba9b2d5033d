"""What the ERP measures by: its units and conversions, and its companies' currencies.

The maps of units, conversions and ledgers define which tables of finops those are, and what their
columns mean; a project whose tables have other names has its own map of the same name.  These
maps need not run.  An ERP without a table of units has the standard ones.

They are read when a map first asks for them, and again when that was a while ago: a worker
that stays sees a new conversion within a minute or so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.app import App
from dualwrite.apps.query import Query
from dualwrite.errors import MissingTableError
from dualwrite.exact.casts.numbers import to_bool, to_decimal
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.quantities import columns_named
from dualwrite.units import UnitSystem, standard_tables

Kept = TypeVar("Kept")

FRESH_SECONDS = 60.0
PATIENCE = 50
"""Reading them again takes at most one fiftieth of a worker's time."""

UNITS = "units--uoms"
CONVERSIONS = "unit-conversions--msdyn-unitofmeasureconversions"
OWN_CONVERSIONS = "product-specific-unit-conversions--msdyn-productspecificunitofmeasureconversions"

LEDGERS = "ledger--msdyn-ledgers"

_LEDGER_ROLES: Mapping[str, str] = {
    "company": "msdyn_company.cdm_companycode",
    "currency": "msdyn_accountingcurrency.isocurrencycode",
}
_UNIT_ROLES: Mapping[str, str] = {
    "symbol": "msdyn_symbol",
    "class": "msdyn_externalunitclassname",
    "decimals": "msdyn_decimalprecision",
    "base": "msdyn_isbaseunit",
    "system": "msdyn_issystemunit",
}
_CONVERSION_ROLES: Mapping[str, str] = {
    "from": "msdyn_fromunit.msdyn_symbol",
    "to": "msdyn_tounit.msdyn_symbol",
    "factor": "msdyn_factor",
    "numerator": "msdyn_numerator",
    "denominator": "msdyn_denominator",
    "inner_offset": "msdyn_inneroffset",
    "outer_offset": "msdyn_outeroffset",
    "rounding": "msdyn_rounding",
    "product": "msdyn_globalproduct.msdyn_productnumber",
    "variant": "msdyn_variant.msdyn_productnumber",
}
"""What a column means, by the column of dataverse that it is mapped onto."""
_NUMBERS = ("factor", "inner_offset", "outer_offset", "numerator", "denominator", "decimals")
_FINEST = pa.decimal128(38, 16)
_SPOILT = pa.scalar(0, pa.int64())
"""In place of a number that cannot be read; such a conversion is refused."""


class Measures:
    """What a project measures by, kept while it is fresh.  Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[object, tuple[Any, float]] = {}

    def fresh(self, read: Callable[[App, Catalogue], Kept], app: App, catalogue: Catalogue) -> Kept:
        """What `read` gives of the ERP, now or a short while ago; raises as `read`."""
        with self._lock:
            kept, until = self._kept.get(read, (None, 0.0))
            if read not in self._kept or time.monotonic() >= until:
                began = time.monotonic()
                kept = read(app, catalogue)
                now = time.monotonic()
                self._kept[read] = kept, now + max(FRESH_SECONDS, PATIENCE * (now - began))
            found: Kept = kept
            return found


def read_ledgers(app: App, catalogue: Catalogue) -> Mapping[str, str]:
    """The accounting currencies of an ERP's ledgers; none where it has no table of them."""
    found = _read(app, catalogue, LEDGERS, _LEDGER_ROLES)
    if found is None or set(found.column_names) != set(_LEDGER_ROLES):
        return {}
    pairs = zip(found["company"].to_pylist(), found["currency"].to_pylist(), strict=True)
    return {company: currency for company, currency in pairs if company and currency}


def read_units(app: App, catalogue: Catalogue) -> UnitSystem:
    """The unit system of an ERP's tables; the standard one where it has none of units."""
    units = _read(app, catalogue, UNITS, _UNIT_ROLES)
    conversions = [
        found
        for name in (CONVERSIONS, OWN_CONVERSIONS)
        if (found := _read(app, catalogue, name, _CONVERSION_ROLES)) is not None
    ]
    if units is None:
        units, standard = standard_tables()
        conversions.insert(0, standard)
    empty = pa.table({"from": pa.array([], pa.string()), "to": pa.array([], pa.string())})
    return UnitSystem.from_tables(units, _together([empty, *conversions]))


def _read(app: App, catalogue: Catalogue, name: str, roles: Mapping[str, str]) -> pa.Table | None:
    """A table by what its columns mean; None where the project or the ERP has none."""
    if name not in catalogue:
        return None
    table_map = catalogue.get(name)
    end = table_map.end(app.side)
    paths: dict[str, ColumnPath] = {}
    for role, called in roles.items():
        found = (column.end(app.side) for column in columns_named(table_map, called))
        path = next((each for each in found if each is not None), None)
        if path is not None:
            paths[role] = path
    query = Query(
        table=end.table,
        columns=tuple(dict.fromkeys(paths.values())),
        key=end.key,
        filter=parse_filter(end.filter) if end.filter else None,
        lookups=end.lookups,
    )
    try:
        rows = app.read(query)
    except MissingTableError:
        return None
    return pa.table({role: _meant(role, rows[str(path)]) for role, path in paths.items()})


def _meant(role: str, values: pa.ChunkedArray) -> pa.Array:
    """A column in the type that `UnitSystem.from_tables` takes."""
    column = values.combine_chunks()
    if role in ("base", "system"):
        return to_bool(column)
    if role not in _NUMBERS:
        return column.cast(pa.string())
    numbers = to_decimal(column, _FINEST)
    lost = pc.and_(numbers.is_null(), column.is_valid())
    return pc.if_else(lost, _SPOILT.cast(numbers.type), numbers)


def _together(tables: list[pa.Table]) -> pa.Table:
    """Tables under each other, each column that one has not null there."""
    wide = [table.cast(pa.schema([_wide(field) for field in table.schema])) for table in tables]
    return pa.concat_tables(wide, promote_options="default")


def _wide(field: pa.Field) -> pa.Field:
    """Numbers of one type, whatever their table made of them."""
    kind = field.type
    number = pa.types.is_decimal(kind) or pa.types.is_integer(kind)
    return field.with_type(pa.decimal256(76, 16)) if number else field
