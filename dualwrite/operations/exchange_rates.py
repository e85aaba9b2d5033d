"""The exchange rates that an app keeps, as something that can be asked for a day.

The standard maps of currency pairs and rates say which tables those are, and what a column of
them means; a project whose tables have other names has its own map of the same name.  Neither
map needs to run.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.money import ExchangeRates
from dualwrite.sync.session import Session
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.project import own_currencies
from dualwrite.translate.keys import key_text, row_of

PAIRS = "exchange-rate-currency-pair--msdyn-currencyexchangeratepairs"
RATES = "cds-exchange-rates--msdyn-currencyexchangerates"

_FACTORS = {"one": 1, "ten": 10, "hundred": 100, "thousand": 1000, "tenthousand": 10_000}
_PAIR = {
    "type": "msdyn_currencyexchangeratetypeid.msdyn_name",
    "from": "msdyn_fromtransactioncurrencyid.isocurrencycode",
    "to": "msdyn_totransactioncurrencyid.isocurrencycode",
}
_PAIR_ROLES = {**_PAIR, "display_factor": "msdyn_displayfactor"}
_RATE_ROLES = {
    **{role: f"msdyn_currencyexchangeratepair.{path}" for role, path in _PAIR.items()},
    "valid_from": "msdyn_validfrom",
    "valid_to": "msdyn_validto",
    "rate": "msdyn_exchangerate",
}
"""What a column means, by the path of dataverse that it is mapped onto."""


def exchange_rates(
    session: Session, side: Side = Side.FINOPS, pivots: Mapping[str, str] | None = None
) -> ExchangeRates:
    """All rates of a side; `pivots` as of `ExchangeRates.from_table`.

    Raises:
        MapError: A map that says where they are is at fault.
        ConfigError: The project defines a currency that ISO 4217 has.
        TransientError, PermanentError: From the app.
    """
    pairs, rates = (
        _read(session, side, PAIRS, _PAIR_ROLES),
        _read(session, side, RATES, _RATE_ROLES),
    )
    names = list(_PAIR)
    of_pair = row_of(key_text(rates, names), key_text(pairs, names))
    factors = pairs["display_factor"].combine_chunks().take(of_pair)
    own = own_currencies(session.link)
    return ExchangeRates.from_table(rates.append_column("display_factor", factors), pivots, own)


def _read(session: Session, side: Side, name: str, roles: Mapping[str, str]) -> pa.Table:
    """A map's table on a side, its columns by what they mean."""
    table_map = session.map(name)
    end = table_map.end(side)
    columns = {role: _column(table_map, path) for role, path in roles.items()}
    found = {role: column.end(side) for role, column in columns.items()}
    paths = {role: path for role, path in found.items() if path is not None}
    query = Query(
        end.table,
        tuple(dict.fromkeys(paths.values())),
        end.key,
        filter=parse_filter(end.filter) if end.filter else None,
        lookups=end.lookups,
    )
    rows = session.apps[side].read(query)
    values = {role: rows[str(path)] for role, path in paths.items()}
    if "display_factor" in values:
        factors = values["display_factor"]
        values["display_factor"] = _factors(factors, columns["display_factor"], side)
    return pa.table(values)


def _column(table_map: TableMap, path: str) -> ColumnMap:
    return next(each for each in table_map.columns if str(each.end(Side.DATAVERSE)) == path)


def _factors(values: pa.ChunkedArray, column: ColumnMap, side: Side) -> pa.Array:
    """Display factors as numbers, whichever way the app spells them; null where it is unknown."""
    values_of = next((t.value_map for t in column.transforms if t.value_map is not None), None)
    pairs = () if values_of is None else values_of.pairs
    known = {
        str(word if side is Side.FINOPS else number).lower(): _FACTORS.get(str(word).lower())
        for word, number in pairs
    }
    at = pc.index_in(
        pc.utf8_lower(values.cast(pa.string()).combine_chunks()),
        value_set=pa.array(list(known), pa.string()),
    )
    return pa.array(list(known.values()), pa.int64()).take(at)
