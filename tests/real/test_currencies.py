"""The one fault of the AdventureWorks data, corrected: all held rows are synced automatically.

Finance alone, on two SQLite files: 27,064 dated rates, of which 2,930 wait for 6 pairs, which
wait for 3 of the 54 currencies that have no symbol.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from dualwrite.operations.exchange_rates import exchange_rates
from dualwrite.sync.session import Session
from tests.real.adventureworks.finance import COMPANIES, finance
from tests.real.carrying import compared, counted, held, load, project, run
from tests.real.data import data_folder

pytestmark = pytest.mark.slow
RATE_KEY = ("EXCHANGERATETYPENAME", "FROMCURRENCYCODE", "TOCURRENCYCODE", "VALIDFROM")


def test_a_symbol_for_each_currency_releases_all_held_rows(tmp_path: Path):
    urls = {side: f"sqlite:///{tmp_path}/{side.value}.db" for side in Side}
    tables = finance(data_folder())
    load(Side.FINOPS, urls[Side.FINOPS], tables)
    load(Side.DATAVERSE, urls[Side.DATAVERSE], {})

    with project(tmp_path, urls, list(COMPANIES)) as session:
        run(session)
        waiting = sum(held(session).values())
        _give_symbols(urls[Side.FINOPS], tables["CurrencyEntity"])
        results = run(session, again=True)

        assert waiting == 54 + 6 + 2_930
        assert held(session) == {}
        assert sum(counted(results, "written").values()) == waiting
        found = compared(session).values()
        assert sum(each.same for each in found) == sum(rows.num_rows for rows in tables.values())
        assert not any(each.unexplained or each.held for each in found)
        _rates_agree(session)


def _rates_agree(session: Session) -> None:
    """What one side is asked for a day, the other answers the same."""
    sides = [exchange_rates(session, side) for side in Side]
    rows = finance(data_folder())["ExchangeRateCDSEntity"]
    asked = [rows[name].combine_chunks() for name in RATE_KEY]
    results = [rates.rates(*asked) for rates in sides]

    assert [rates.problems.num_rows for rates in sides] == [0, 0]
    assert results[0].values.equals(results[1].values)
    assert results[0].values.equals(rows["RATE"].combine_chunks().cast(results[0].values.type))
    third = dt.date(2023, 1, 6)
    assert sides[1].rate("EndOfDay", "EUR", "GBP", on=third) == sides[0].rate(
        "EndOfDay", "EUR", "GBP", on=third
    )


def _give_symbols(url: str, currencies: pa.Table) -> None:
    """What a person would do: the code is the symbol where there is no other."""
    none = currencies.filter(pc.is_null(currencies["SYMBOL"]))
    app = open_app(Side.FINOPS, url)
    try:
        rows = pa.table({"CURRENCYCODE": none["CURRENCYCODE"], "SYMBOL": none["CURRENCYCODE"]})
        app.update("CurrencyEntity", rows, key=["CURRENCYCODE"])
    finally:
        app.close()
