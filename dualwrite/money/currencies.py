"""The current and historic currencies of ISO 4217, with their minor units.

A minor unit of 2 means that an amount on a document has two decimal places.  Some currencies
have none (JPY), some three (KWD).  For a few (gold, the SDR, some historic ones) ISO states no
minor unit; there only the scale of the column counts.  Cash amounts may be coarser: multiples
of 0.05 in CHF, of 1 in SEK.  A project may define currencies of its own beside these.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency."""

    code: str
    name: str
    minor_unit: int | None
    """Decimal places of a document amount; None where ISO states none."""
    cash_step: Decimal | None
    """Cash amounts are multiples of this; None where no minor unit is stated."""
    number: str | None = None
    """The numeric code of ISO 4217; None for a historic currency."""
    withdrawn: dt.date | None = None
    """The last day on which it was in use; None for a current currency."""


Own: TypeAlias = tuple[tuple[str, int], ...]
"""Currencies that a project defines beside those of ISO 4217: codes and decimal places."""
_STEP = pa.decimal128(22, 12)


class UnknownCurrencyError(PermanentError):
    """There is no currency of that code."""

    def __init__(self, *, code: str, own: Own = ()) -> None:
        self.code = code
        near = near_currency(code, own)
        hint = f" Did you mean {near!r}?" if near else ""
        super().__init__(
            f"there is no currency {code!r}.{hint} Nothing was computed.\n"
            "  A code is three capital letters of ISO 4217, such as EUR."
        )


@cache
def near_currency(code: str, own: Own = ()) -> str:
    """The code that looks most like `code`, which is none; empty where nothing is near."""
    near = difflib.get_close_matches(code.strip().upper(), currencies(own), n=1, cutoff=0.6)
    return near[0] if near else ""


@cache
def currencies(own: Own = ()) -> Mapping[str, Currency]:
    """All currencies by code, sorted; those of a project of its own come last."""
    if own:
        return {**currencies(), **{code: _own(code, digits) for code, digits in own}}
    file = resources.files("dualwrite.money").joinpath("currencies.csv")
    with file.open(encoding="utf-8") as lines:
        return {row["code"]: _read(row) for row in csv.DictReader(lines)}


def _own(code: str, digits: int) -> Currency:
    return Currency(code, code, digits, Decimal(1).scaleb(-digits))


def _read(row: Mapping[str, str]) -> Currency:
    minor = int(row["minor_unit"]) if row["minor_unit"] else None
    step = None if minor is None else Decimal(row["cash_step"] or Decimal(1).scaleb(-minor))
    return Currency(
        code=row["code"],
        name=row["name"],
        minor_unit=minor,
        cash_step=step,
        number=row["number"] or None,
        withdrawn=dt.date.fromisoformat(row["withdrawn"]) if row["withdrawn"] else None,
    )


def currency(code: str, own: Own = ()) -> Currency:
    """The currency of a code.

    Raises:
        UnknownCurrencyError: There is none.
    """
    found = currencies(own).get(code)
    if found is None:
        raise UnknownCurrencyError(code=code, own=own)
    return found


def known(codes: pa.Array, own: Own = ()) -> pa.BooleanArray:
    """Which of `codes` are currencies; False for null."""
    return pc.is_in(_texts(codes), value_set=_codes(own))


def minor_units(codes: pa.Array, own: Own = ()) -> pa.Int8Array:
    """The minor unit of each of `codes`: null where none is stated or the code is unknown."""
    return _minor_units(own).take(pc.index_in(_texts(codes), value_set=_codes(own)))


def cash_steps(codes: pa.Array, own: Own = ()) -> pa.Decimal128Array:
    """The cash step of each of `codes`: null where none is stated or the code is unknown."""
    steps = pa.array([each.cash_step for each in currencies(own).values()], _STEP)
    return steps.take(pc.index_in(_texts(codes), value_set=_codes(own)))


def accounting_currencies(companies: pa.Array, accounting: Mapping[str, str]) -> pa.StringArray:
    """The accounting currency of each row's company; null where the company has none.

    `accounting` gives the currency code by company.  The case of a company's name does not matter,
    as in the ERP.
    """
    names = pa.array([name.upper() for name in accounting], pa.string())
    codes = pa.array(list(accounting.values()), pa.string())
    return codes.take(pc.index_in(pc.utf8_upper(_texts(companies)), value_set=names))


@cache
def _codes(own: Own) -> pa.StringArray:
    return pa.array(list(currencies(own)), pa.string())


@cache
def _minor_units(own: Own) -> pa.Int8Array:
    return pa.array([each.minor_unit for each in currencies(own).values()], pa.int8())


def _texts(codes: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    return codes.cast(pa.string())
