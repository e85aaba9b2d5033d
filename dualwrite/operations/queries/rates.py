"""The exchange rates that one side keeps, to be asked for any day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.link import Side
from dualwrite.money import ExchangeRates
from dualwrite.operations import exchange_rates as tables
from dualwrite.operations.results import QueryResult
from dualwrite.operations.session import Session, open_session


@dataclass(frozen=True, slots=True)
class RatesOfSide(QueryResult):
    """All rates of one side."""

    side: Side
    rates: ExchangeRates

    def as_dict(self) -> dict[str, Any]:
        """`side`, and in `refused` the rows that cannot be a rate, each with its `reason`."""
        return {"side": self.side.value, "refused": self.rates.problems.to_pylist()}


def exchange_rates(
    session: Session, side: Side = Side.FINOPS, *, pivots: Mapping[str, str] | None = None
) -> RatesOfSide:
    """The rates of one side as they are now.

    Args:
        session: The project.
        side: The side whose tables are read.
        pivots: By type of rate, the currency over which two others are preferably compared.

    Raises:
        MapError: A map that says where the rates are is at fault.
        TransientError, PermanentError: From the app.
    """
    return RatesOfSide(side, tables.exchange_rates(session, side, pivots))


def read_rates(
    project: Path | str,
    side: Side | str = Side.FINOPS,
    *,
    pivots: Mapping[str, str] | None = None,
) -> ExchangeRates:
    """The exchange rates of a project as they are now, on one side; for programs.

        rates = read_rates("contoso")
        rates.rate("Default", "EUR", "USD", on=date(2026, 1, 31))  # Decimal("1.0835")
        rates.convert(amounts, "Default", currencies, "USD", days, scale=2)  # Arrow arrays

    `pivots` names, by type of rate, the currency over which two others are preferably compared.

    Raises:
        DualWriteError: The project, a map or the app is at fault; the message says what.
    """
    with open_session(Path(project)) as session:
        return exchange_rates(session, Side(side), pivots=pivots).rates
