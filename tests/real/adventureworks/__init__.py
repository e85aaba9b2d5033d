"""AdventureWorks in the shape of the finops tables: pure Arrow, no database."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa

from tests.real.adventureworks.finance import finance
from tests.real.adventureworks.parties import parties
from tests.real.adventureworks.products import products
from tests.real.adventureworks.trade import trade
from tests.real.adventureworks.units import units


@cache
def finops_tables(folder: Path) -> dict[str, pa.Table]:
    """Every finops table that the data set fills, by name."""
    return {
        **finance(folder),
        **units(folder),
        **parties(folder),
        **products(folder),
        **trade(folder),
    }
