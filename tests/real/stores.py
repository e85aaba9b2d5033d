"""The stores of AdventureWorks as accounts, with all rows that they and their contacts need."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.adventureworks import finops_tables
from tests.real.data import data_folder

ACCOUNTS = "customers-v3--accounts"
CHANGED = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
"""The time of the last change of the ERP's rows."""

_FULL = ("OMLegalEntity", "PaymentTermEntity", "TaxGroupEntity", "CustCustomerGroupEntity")
_FULL += ("SalesContactPersonTitleEntity", "smmContactPersonV2Entity")


def stores() -> dict[str, pa.Table]:
    """What the stores' accounts need, and those themselves."""
    tables = finops_tables(data_folder())
    customers = tables["CustCustomerV3Entity"]
    customers = customers.filter(pc.equal(customers["PARTYTYPE"], "Organization"))
    contacts, parties = tables["smmContactPersonV2Entity"], tables["DirPartyCDSEntity"]
    currencies = tables["CurrencyEntity"]
    acting, represented = (
        contacts[f"{role}PARTYNUMBER"] for role in ("CONTACTPERSON", "ASSOCIATED")
    )
    needed = pa.chunked_array(
        [*acting.chunks, *represented.chunks, *customers["PARTYNUMBER"].chunks]
    )
    return {
        **{name: tables[name] for name in _FULL},
        "CurrencyEntity": currencies.filter(currencies["SYMBOL"].is_valid()),
        "DirPartyCDSEntity": parties.filter(pc.is_in(parties["PARTYNUMBER"], needed)),
        "CustCustomerV3Entity": customers.append_column(
            "MODIFIEDDATETIME",
            pa.repeat(pa.scalar(CHANGED, pa.timestamp("us", "UTC")), customers.num_rows),
        ),
    }
