"""Exact money: currencies, decimal places of amounts, discounts, exchange rates."""

from dualwrite.exact import MODES, Mode, NotExactError, TooManyDigitsError, UnknownModeError
from dualwrite.money.currencies import (
    Currency,
    Own,
    UnknownCurrencyError,
    accounting_currencies,
    cash_steps,
    currencies,
    currency,
    known,
    minor_units,
    near_currency,
)
from dualwrite.money.discounts import SplitDiscount, join_discount, split_discount
from dualwrite.money.precision import (
    Kind,
    fits,
    has_room,
    places,
    rounded,
    same_after_rounding,
)
from dualwrite.money.rateerrors import NoRateError, RefusedRateError
from dualwrite.money.rates import ExchangeRates, RateResult, rate

__all__ = [
    "MODES",
    "Currency",
    "ExchangeRates",
    "Kind",
    "Mode",
    "NoRateError",
    "NotExactError",
    "Own",
    "RateResult",
    "RefusedRateError",
    "SplitDiscount",
    "TooManyDigitsError",
    "UnknownCurrencyError",
    "UnknownModeError",
    "accounting_currencies",
    "cash_steps",
    "currencies",
    "currency",
    "fits",
    "has_room",
    "join_discount",
    "known",
    "minor_units",
    "near_currency",
    "places",
    "rate",
    "rounded",
    "same_after_rounding",
    "split_discount",
]
