"""The gate by itself: domain rules, Great Expectations over them, unit and rate lookups.

Each is held against the plainest thing that could answer: the domain rules against the bare
Arrow sort and comparisons, the suite against the same rules alone, the lookups against pandas
in binary floats (`merge_asof`, `map`), which bends digits where ours are exact.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.money import ExchangeRates
from dualwrite.rules import CurrencyPrecision, PeriodsSound, QuantityConverts, Rule, judge
from dualwrite.units import standard_units

RUNS = 5
SUITE_SHARE = 4
"""A suite runs over this fraction of the rows: a quarter of a million for a million."""
ACCOUNTS = "customers-v3--accounts"
_SCALE = pa.decimal128(28, 10)


def results(rows: int) -> Iterator[dict[str, Any]]:
    """Measure, in turns; medians."""
    yield domain_rules(rows)
    asked, kept = rate_questions(rows), quotes()
    rates = ExchangeRates.from_table(kept)
    frame, known = asked.to_pandas(), _sorted(kept)
    yield _told(
        "lookup: exchange rates",
        rows,
        lambda: rates.rates(asked["type"], asked["from"], asked["to"], asked["on"]),
        lambda: _as_of(frame, known),
    )
    quantities = unit_questions(rows)
    bent = quantities.set_column(0, "quantity", quantities["quantity"].cast(pa.float64()))
    frame, system = bent.to_pandas(), standard_units()
    yield _told(
        "lookup: units",
        rows,
        lambda: system.convert(quantities["quantity"], quantities["from"], quantities["to"]),
        lambda: _in_floats(frame),
    )
    yield from suite(rows // SUITE_SHARE)


def domain_rules(rows: int) -> dict[str, Any]:
    """The three together, over one table."""
    table = gate_table(rows)
    case = "rules: money, quantities, periods"
    return _told(case, rows, lambda: _judge(table), lambda: _bare(table))


def _told(
    case: str, rows: int, ours: Callable[[], object], other: Callable[[], object]
) -> dict[str, Any]:
    measured: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        for work, seconds in zip((ours, other), measured, strict=True):
            begun = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begun)
    mine, reference = map(statistics.median, measured)
    return {
        "case": case,
        "rows": rows,
        "seconds": round(mine, 3),
        "reference_seconds": round(reference, 3),
        "ratio": round(mine / reference, 2),
        "peak_mb": round(psutil.Process().memory_info().rss / 2**20),
    }


# The three domain rules


def gate_table(rows: int) -> pa.Table:
    """Amounts in three currencies, quantities, and histories of four periods each, shuffled."""
    draw = np.random.default_rng(1)
    entity = np.repeat(np.arange(rows // 4 + 1), 4)[:rows]
    first = np.tile(np.array([0, 100, 200, 300]), rows // 4 + 1)[:rows] + 10_000
    last = np.where(first == 10_300, 67_298, first + 99)
    cents = draw.integers(0, 10**9, rows)
    units = pa.array(["ea", "kg", "m"]).take(pa.array(draw.integers(0, 3, rows)))
    table = pa.table(
        {
            "amount": _decimals(cents, 2),
            "source:CURRENCY": pa.array(["USD", "EUR", "GBP"]).take(
                pa.array(draw.integers(0, 3, rows))
            ),
            "source:QUANTITY": _decimals(cents, 2),
            "source:UNIT": units,
            "unit:quantity": pa.nulls(rows, pa.string()),
            "company": pa.array(["usmf", "demf"]).take(pa.array(entity % 2)),
            "id": pc.binary_join_element_wise("P", pa.array(entity).cast(pa.string()), ""),
            "from": pa.array(first.astype(np.int32)).view(pa.date32()),
            "to": pa.array(last.astype(np.int32)).view(pa.date32()),
        }
    )
    return table.take(pa.array(draw.permutation(rows))).combine_chunks()


RULES: tuple[Rule, ...] = (
    CurrencyPrecision(column="amount", currency="source:CURRENCY", precision=19, scale=4),
    QuantityConverts(source="source:QUANTITY", problem="unit:quantity", unit="source:UNIT"),
    PeriodsSound(entity=("company", "id"), start="from", end="to"),
)


def _judge(table: pa.Table) -> None:
    verdict = judge(table, RULES)
    if not pc.all(verdict.passed).as_py():
        msg = "sound rows were rejected"
        raise RuntimeError(msg)


def _bare(table: pa.Table) -> None:
    """The minimal work: a sort by entity and day, one comparison, one rounding."""
    order = pc.sort_indices(
        table, sort_keys=[("company", "ascending"), ("id", "ascending"), ("from", "ascending")]
    )
    starts, ends = (table[name].take(order).cast(pa.int32()) for name in ("from", "to"))
    pc.greater(starts[1:], ends[:-1])
    pc.equal(pc.round(table["amount"], 2), table["amount"])


def _decimals(whole: Any, places: int) -> pa.Array:
    numbers = pa.array(whole, pa.int64()).cast(pa.decimal128(19, 0))
    unit = pa.scalar(Decimal(1).scaleb(-places), pa.decimal128(places + 1, places))
    return pc.multiply(numbers, unit).cast(_SCALE)


# Exchange rates and units


def quotes() -> pa.Table:
    """Three years of daily rates of thirteen pairs, as AdventureWorks has them."""
    codes = ["ARS", "AUD", "BRL", "CAD", "CNY", "EUR", "GBP", "JPY", "MXN", "SAR", "CHF", "SEK"]
    days = np.arange(19_142, 19_142 + 1_097, dtype=np.int32)
    draw = np.random.default_rng(2)
    count = len(codes) * len(days)
    return pa.table(
        {
            "type": pa.array(["Default"]).take(pa.array(np.zeros(count, np.int32))),
            "from": pa.array(["USD"]).take(pa.array(np.zeros(count, np.int32))),
            "to": pa.array(codes).take(pa.array(np.repeat(np.arange(len(codes)), len(days)))),
            "valid_from": pa.array(np.tile(days, len(codes))).view(pa.date32()),
            "rate": _decimals(draw.integers(5_000, 30_000, count), 4),
        }
    )


def rate_questions(rows: int) -> pa.Table:
    """Every pair and day: as quoted, reversed, and over a third currency."""
    draw = np.random.default_rng(3)
    codes = pa.array(["USD", "EUR", "GBP", "JPY", "CHF", "SEK", "CAD"])
    days = draw.integers(19_142, 19_142 + 1_097, rows).astype(np.int32)
    sides = [codes.take(pa.array(draw.integers(0, len(codes), rows))) for _ in range(2)]
    return pa.table(
        {
            "type": pa.repeat("Default", rows),
            "from": sides[0],
            "to": sides[1],
            "on": pa.array(days).view(pa.date32()),
        }
    )


def _sorted(kept: pa.Table) -> pd.DataFrame:
    frame = kept.to_pandas()
    frame["rate"] = frame["rate"].astype(float)
    frame["on"] = pd.to_datetime(frame.pop("valid_from"))
    return frame.sort_values("on")


def _as_of(asked: pd.DataFrame, known: pd.DataFrame) -> None:
    """Over the dollar, in floats: the rate of either currency on the day, divided."""
    frame = asked.assign(on=pd.to_datetime(asked["on"])).sort_values("on")
    legs = [
        pd.merge_asof(frame[["on", side]].rename(columns={side: "to"}), known, on="on", by="to")[
            "rate"
        ].fillna(1.0)
        for side in ("from", "to")
    ]
    legs[1] / legs[0]


def unit_questions(rows: int) -> pa.Table:
    """Quantities between units of one class each."""
    draw = np.random.default_rng(4)
    pairs = [("kg", "lb"), ("lb", "g"), ("m", "in"), ("ft", "cm"), ("dz", "ea"), ("l", "ml")]
    chosen = pa.array(draw.integers(0, len(pairs), rows))
    return pa.table(
        {
            "quantity": _decimals(draw.integers(1, 10**6, rows), 2),
            "from": pa.array([one for one, _ in pairs]).take(chosen),
            "to": pa.array([other for _, other in pairs]).take(chosen),
        }
    )


_FACTORS = {
    "kg": 2.20462262,
    "lb": 453.59237,
    "m": 39.3700787,
    "ft": 30.48,
    "dz": 12.0,
    "l": 1000.0,
}


def _in_floats(frame: pd.DataFrame) -> None:
    (frame["quantity"] * frame["from"].map(_FACTORS)).round(2)


# A whole suite


def suite(rows: int) -> Iterator[dict[str, Any]]:
    """A standard map's whole suite against the same rules alone."""
    # its import takes seconds, and is no part of what is measured
    from dualwrite.link import Side
    from dualwrite.sandbox.project import create_sandbox
    from dualwrite.sync.initial.planning import make_plan
    from dualwrite.sync.initial.run import RunOptions, run_maps
    from dualwrite.sync.routes.lookups import Finder
    from dualwrite.sync.routes.reading import reading
    from dualwrite.sync.routes.route import compile_route
    from dualwrite.sync.session import open_session
    from dualwrite.translate.rows import translate
    from expectations.gate import GreatExpectationsGate

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "box"
        create_sandbox(project, rows=1000)
        with open_session(project) as session:
            # so that the rows that they point at are there, as they are in life
            run_maps(session, make_plan(session, [ACCOUNTS], with_related=True), RunOptions())
            table_map = session.map(ACCOUNTS)
            route = compile_route(session, table_map, Side.FINOPS)
            read = session.apps[Side.FINOPS].read(reading(session, table_map, Side.FINOPS))
            many = _multiplied(read, rows)
            gate = GreatExpectationsGate()
            ready = Finder(session.apps).fill_in(translate(many, route.flow), route)
            yield _told(
                f"great expectations: {len(route.rules)} expectations against the rules alone",
                ready.num_rows,
                lambda: gate(route, ready, route.rules),
                lambda: judge(ready, route.rules),
            )


def _multiplied(rows: pa.Table, count: int) -> pa.Table:
    """Rows with distinct accounts."""
    times = -(-count // rows.num_rows)
    many = pa.concat_tables([rows] * times).slice(0, count).combine_chunks()
    number = pa.array(np.arange(count)).cast(pa.string())
    at = many.column_names.index("CUSTOMERACCOUNT")
    named = pc.binary_join_element_wise("C", pc.utf8_lpad(number, 9, "0"), "")
    return many.set_column(at, "CUSTOMERACCOUNT", named)
