"""For programs: the exchange rates that the ERP keeps, on a day.

from dualwrite import rates

of = rates.read("contoso")
of.rate("Default", "EUR", "USD", on=date(2026, 1, 31))          # Decimal('1.0835')
of.convert(amounts, "Default", currencies, "USD", days, scale=2)  # Arrow in, Arrow out
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dualwrite.link import Side
from dualwrite.money import ExchangeRates, NoRateError, RefusedRateError
from dualwrite.sync.routes.exchange_rates import exchange_rates
from dualwrite.sync.session import open_session

__all__ = ["ExchangeRates", "NoRateError", "RefusedRateError", "read"]


def read(
    project: Path | str,
    side: Side | str = Side.FINOPS,
    *,
    pivots: Mapping[str, str] | None = None,
) -> ExchangeRates:
    """The rates of a project as they stand now, on one side.

    `pivots` names, by type of rate, the currency over which two others are preferably compared.

    Raises:
        DualWriteError: The project, a map or the app is at fault; the message says what.
    """
    with open_session(Path(project)) as session:
        return exchange_rates(session, Side(side), pivots)
