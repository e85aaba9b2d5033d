"""Money exact, currency precision: no digit of a money value is lost on the way.

`MoneyExact` looks at what the source holds: a float has lost its digits before it came.
`CurrencyPrecision` looks at what the target is to hold: the currency must be known, and
the digits fit both the column and, of an amount on a document, the minor unit.  Under
the policy `round:<mode>` only what has no room after rounding fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import as_decimals, mode_of
from dualwrite.gate_column import plain_name
from dualwrite.money import (
    Currency,
    Kind,
    Own,
    accounting_currencies,
    currencies,
    fits,
    has_room,
    known,
    near_currency,
    rounded,
)
from dualwrite.money.precision import Currencies
from dualwrite.rules.rule import Rule, certain, column_of, none_of
from dualwrite.rules.wording import shown

_EVERY_WHOLE = 2**53
"""Up to here every whole number has its own float."""
_NO_NUMBER = r"^\s*[+-]?(nan|inf(inity)?)\s*$"


@dataclass(frozen=True)
class MoneyExact(Rule):
    """No NaN, no infinity, and no binary float but one that is just `scale` digits, in `column`."""

    name: ClassVar[str] = "money_exact"

    column: str = ""
    scale: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return (
            f"keep {plain_name(self.column)} as a decimal in its app, and correct the value there"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            return certain(pc.match_substring_regex(values, _NO_NUMBER, ignore_case=True))
        if not pa.types.is_floating(values.type):
            return none_of(table)
        # in lowest terms m / 2 ** k, a float has exactly k decimal digits
        numbers = values.cast(pa.float64())
        raised = pc.multiply(numbers, 2.0**self.scale)
        whole = pc.and_(pc.is_finite(numbers), pc.equal(pc.floor(raised), raised))
        well = pc.and_(whole, pc.less_equal(pc.abs(numbers), float(_EVERY_WHOLE)))
        return pc.and_(values.is_valid(), pc.invert(pc.fill_null(well, fill_value=True)))

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = row[self.column]
        exact = Decimal(value)
        if not exact.is_finite():
            return f"{plain_name(self.column)} is {shown(value)}, which is no amount"
        text = f"{plain_name(self.column)} is {value} as a binary float, which is {shown(exact)}"
        if abs(exact) > _EVERY_WHOLE:
            return f"{text}: a float of this size has lost its last digits"
        return f"{text}: more than {self.scale} digits behind the point"


@dataclass(frozen=True)
class CurrencyPrecision(Rule):
    """Every digit of the amounts in `column` fits a decimal(`precision`, `scale`) and the currency.

    The currency is `code`, or is in the column `currency`, or is the one that the
    row's `company` (a column too) keeps its books in: the code in `accounting` that has the
    place of the company in `companies`.  Beside those of ISO 4217 there are the currencies `own`
    with so many `own_digits` behind the point.  `kind` is amount, price or cash; `policy` is
    reject, or round:half_even and the like.
    """

    name: ClassVar[str] = "currency_precision"

    column: str = ""
    code: str = ""
    currency: str = ""
    company: str = ""
    companies: tuple[str, ...] = ()
    accounting: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    own_digits: tuple[int, ...] = ()
    precision: int = 38
    scale: int = 0
    kind: Kind = "amount"
    policy: str = "reject"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name in (self.column, self.currency or self.company) if name)

    @property
    def cure(self) -> str:
        named = plain_name(self.currency or self.company) or "the map's money:"
        if self.policy != "reject":
            return f"correct the amount, or its currency in {named}"
        return (
            f"correct the amount, or its currency in {named}, or write "
            f"`precision: {{round: half_even}}` for {self.column} in the map's money:"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        if pa.types.is_floating(values.type):
            return values.is_valid()
        amounts = as_decimals(values, self.column)
        codes = self._codes(table)
        unknown = (
            pc.invert(known(codes, self._own)) if isinstance(codes, pa.Array) else none_of(table)
        )
        if isinstance(codes, str) and codes not in currencies(self._own):
            unknown, codes = pc.invert(none_of(table)), None
        well = self._fit(amounts, codes)
        return pc.and_(amounts.is_valid(), pc.or_(unknown, pc.invert(well)))

    def _fit(self, amounts: pa.Array, codes: Currencies) -> pa.BooleanArray:
        if self.policy == "reject":
            return fits(amounts, self.scale, codes, self.kind, self.precision, self._own)
        mode = mode_of(self._mode)
        kept = rounded(amounts, self.scale, mode, codes, self.kind, self._own)
        return pc.and_(kept.is_valid(), has_room(kept, self.precision - self.scale))

    def _codes(self, table: pa.Table) -> Currencies:
        if self.code:
            return self.code
        if self.currency:
            return column_of(table, self.currency).cast(pa.string())
        return accounting_currencies(column_of(table, self.company), self._books)

    @property
    def _books(self) -> dict[str, str]:
        return dict(zip(self.companies, self.accounting, strict=True))

    @property
    def _own(self) -> Own:
        return tuple(zip(self.own, self.own_digits, strict=True))

    @property
    def _mode(self) -> str:
        return self.policy.removeprefix("round:")

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = row[self.column]
        if isinstance(value, float):
            return f"{self.column} would hold {value} as a binary float, which is no money"
        amount = Decimal(value)
        code, where = self._code_of(row)
        found = currencies(self._own).get(code or "")
        if found is None:
            text = "no currency" if code is None else f"the unknown currency {code!r}"
            near = near_currency(code or "", self._own)
            hint = f" (did you mean {near!r}?)" if near else ""
            return f"{self.column} is {shown(amount)} with {text} in {where}{hint}"
        text = f"{self.column} is {shown(amount)} {found.code}, where"
        mode = "down" if self.policy == "reject" else mode_of(self._mode)
        one = pa.array([amount])
        kept = rounded(one, self.scale, mode, found.code, self.kind, self._own)[0].as_py()
        room = self.precision - self.scale
        if kept is None or abs(kept) >= Decimal(10) ** room:
            return f"{text} {room} digits before the point fit"
        return f"{text} {self._limit(found)}: it would become {shown(kept)}"

    def _code_of(self, row: Mapping[str, Any]) -> tuple[str | None, str]:
        """The row's currency, and where it was looked for."""
        if self.code:
            return self.code, "the map"
        if self.currency:
            return row[self.currency] or None, plain_name(self.currency)
        company = pa.array([row[self.company]], pa.string())
        code = accounting_currencies(company, self._books)[0].as_py()
        return code, f"{plain_name(self.company)} {shown(row[self.company])}"

    def _limit(self, found: Currency) -> str:
        if self.kind == "cash" and found.cash_step is not None and found.cash_step < 1:
            return f"cash is paid in {shown(found.cash_step)}"
        if self.kind == "cash" and found.cash_step is not None:
            return "cash is paid in whole units"
        places = self.scale
        if self.kind == "amount" and found.minor_unit is not None:
            places = min(places, found.minor_unit)
        return f"{places} digits behind the point fit"
