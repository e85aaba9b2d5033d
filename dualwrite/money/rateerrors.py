"""The errors about missing and refused exchange rates, with the nearest rates."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Sequence

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.money.ratetable import RateTable, date_of, days_of


class NoRateError(PermanentError):
    """No rate between two currencies is valid on a day, nor one over other currencies."""

    def __init__(
        self,
        *,
        type_: str,
        from_: str,
        to: str,
        on: dt.date,
        near: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        self.type, self.from_, self.to, self.on, self.near = type_, from_, to, on, tuple(near)
        nearest = f"Nearest: {'; '.join(near)}" if near else "There is none for other days either."
        super().__init__(
            f"no exchange rate of type {type_!r} from {from_} to {to} is valid on {on}, "
            f"nor from {to} to {from_}, nor over other currencies. Nothing was computed.\n"
            f"  {hint or nearest}\n"
            "  Enter a rate for that day in the ERP, or choose a day that has one."
        )


class RefusedRateError(PermanentError):
    """The rate that is valid on the day was refused."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. Nothing was computed.\n  Correct the rate in the ERP.")


def no_rate(table: RateTable, type_: str, from_: str, to: str, on: dt.date) -> NoRateError:
    """Make the error, with the nearest rates of the pair."""
    known = table.types.to_pylist()
    hint = "" if type_ in known else _other_type(type_, known)
    return NoRateError(
        type_=type_, from_=from_, to=to, on=on, near=_near(table, type_, from_, to, on), hint=hint
    )


def _other_type(type_: str, known: list[str]) -> str:
    near = difflib.get_close_matches(type_, known, n=1)
    if near:
        return f"There is no such type. Did you mean {near[0]!r}?"
    return f"There is no such type; there are: {', '.join(known) or 'none'}"


def _near(table: RateTable, type_: str, from_: str, to: str, on: dt.date) -> list[str]:
    day = days_of(pa.array([on]))[0].as_py()
    texts = []
    for one, other in ((from_, to), (to, from_)):
        pair = table.pair_codes(
            table.type_codes(pa.array([type_])),
            table.currency_codes(pa.array([one])),
            table.currency_codes(pa.array([other])),
        )[0].as_py()
        if pair is not None:
            texts += [f"{one} to {other} {_period(table, at)}" for at in table.near(pair, day)]
    return texts


def _period(table: RateTable, at: int) -> str:
    first, last = table.days(at)
    begins = date_of(first)
    return f"from {begins}" if last is None else f"from {begins} to {date_of(last)}"
