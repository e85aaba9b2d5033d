"""The check of `currency: company`: the accounting currency of each company must be known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dualwrite.errors import DualWriteError
from dualwrite.link import Side
from dualwrite.money import currencies, near_currency
from dualwrite.tablemap.amounts import COMPANY
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.companies import companies_of

Books = Callable[[], Mapping[str, str]]
"""The accounting currency of each company, as far as it is known."""


def check_accounting(context: Context, companies: Sequence[str], books: Books | None) -> None:
    """Every amount that is in the currency of its company must have one."""
    table_map = context.map
    asking = [
        name for name, options in table_map.money.items() if options.get("currency") == COMPANY
    ]
    if not asking:
        return
    if any(table_map.end(side).company is None for side in Side):
        for name in asking:
            _add(
                context,
                f"money: {name}: currency: company, but the rows belong to no company",
                "name the column that holds the currency, or the currency itself",
            )
        return
    if books is None:
        return
    try:
        known = {company.upper(): code for company, code in books().items()}
    except DualWriteError:
        return  # another check reports an app that cannot be reached
    for company in companies_of(table_map, companies) or ():
        code = known.get(company.upper())
        if code is None:
            _add(
                context,
                f"currency: company: the accounting currency of {company} is not known",
                f'set it in dualwrite.toml: [companies.{company}] currency = "EUR"; '
                "or map the ERP's ledgers",
            )
        elif code not in currencies(table_map.own_currencies):
            near = near_currency(code, table_map.own_currencies)
            hint = f"did you mean {near!r}? " if near else ""
            _add(
                context,
                f"currency: company: that of {company}, {code!r}, is no currency of ISO 4217",
                f"{hint}correct it in dualwrite.toml, or in the ERP's ledger; "
                f"or define it: [currencies.{code}] digits = 2",
            )


def _add(context: Context, message: str, cure: str) -> None:
    context.add("DW1131", message, word="money", cure=cure)
