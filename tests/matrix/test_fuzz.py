"""Rows with values that drivers choke on, in random columns of random maps, initial and live.

Sound rows always cross, no other map is touched, nothing crashes, and a row that does not cross
is held with its value.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.checks.types import verdicts
from dualwrite.tablemap.schema import Column
from tests.apps.workshops import Workshop
from tests.matrix.types import EVERY

PLAIN = "map: plain\ntitle: P\nfinops: {table: p, key: [k]}\ndataverse: {table: q, key: [k]}\n"
PLAIN += "columns: [k = k, n = n]\n"
SOUND, ODD_AT = 5, 100


def described(shop: Workshop) -> dict[str, Column]:
    """Every type of a database as a column."""
    lines = ", ".join(f"c{n} {declared(native)}" for n, native in enumerate(EVERY[shop.kind]))
    shop.execute(f"CREATE TABLE every (k bigint PRIMARY KEY, {lines})")
    columns = shop.open().schema("every").columns
    return {native: columns[f"c{n}"] for n, native in enumerate(EVERY[shop.kind])}


def declared(native: str) -> str:
    return f"{native} NULL" if native.startswith("timestamp") else native


def drawn(
    draw: random.Random, here: dict[str, Column], there: dict[str, Column]
) -> list[tuple[str, str]]:
    """Three columns: a type of the one database, and one of the other that the check admits."""
    pairs = [
        (one, other)
        for one, source in here.items()
        for other, target in there.items()
        if not any(severity == "error" for severity, _ in verdicts(source, target))
    ]
    return draw.sample(pairs, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(9))
def test_odd_values_hold_their_own_rows_alone(
    tmp_path: Path, shops: Callable[[str], Workshop], seed: int
) -> None:
    draw = random.Random(seed)
    kinds = list(EVERY)
    finops, dataverse = shops(kinds[seed % 3]), shops(kinds[seed // 3])
    columns = drawn(draw, described(finops), described(dataverse))
    odd = made(finops, dataverse, columns)
    map_columns = ", ".join(f"c{n} > c{n}" for n in range(3))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "plain.yaml").write_text(PLAIN)
    (tmp_path / "maps" / "odd.yaml").write_text(
        "map: odd\ntitle: O\nfinops: {table: t, key: [k]}\ndataverse: {table: u, key: [k]}\n"
        f"columns: [k = k, n = n, {map_columns}]\n"
    )
    urls = {"finops": finops.url, "dataverse": dataverse.url}
    (tmp_path / "dualwrite.toml").write_text(
        '[link]\nname = "fuzz"\ncompanies = []\n'
        + "".join(
            f'[apps.{name}]\nconnector = "sql"\nurl = "{url}"\n' for name, url in urls.items()
        )
    )
    with open_session(tmp_path) as session:
        finops.execute(*mode(finops), *(each.format(0) for each in odd))
        run_maps(session, make_plan(session, ["odd", "plain"]), RunOptions(workers=1))
        crossed(session, finops, dataverse, columns, "first")

        finops.execute(*mode(finops), *(each.format(1000) for each in odd))
        finops.execute("UPDATE t SET n = 'next'", "UPDATE p SET n = 'next'")
        run_cycle(session, ["odd", "plain"])
        crossed(session, finops, dataverse, columns, "next")


def made(finops: Workshop, dataverse: Workshop, columns: list[tuple[str, str]]) -> list[str]:
    """The tables with their sound rows; the statements that add the odd ones, by a number."""
    for shop, tables, place in ((finops, "tp", 0), (dataverse, "uq", 1)):
        lines = ", ".join(f"c{n} {declared(pair[place])}" for n, pair in enumerate(columns))
        shop.execute(
            f"CREATE TABLE {tables[0]} (k bigint PRIMARY KEY, n varchar(20), {lines})",
            f"CREATE TABLE {tables[1]} (k bigint PRIMARY KEY, n varchar(20))",
        )
    for table in "tp":
        finops.execute(*(f"INSERT INTO {table} (k, n) VALUES ({k}, 'first')" for k in range(SOUND)))
    values = [
        (n, value) for n, (native, _) in enumerate(columns) for value in EVERY[finops.kind][native]
    ]
    return [
        f"INSERT INTO t (k, n, c{n}) VALUES ({{}} + {ODD_AT + k}, 'first', "
        f"{value.replace('{', '{{').replace('}', '}}')})"
        for k, (n, value) in enumerate(values)
    ]


def mode(shop: Workshop) -> tuple[str, ...]:
    return ("SET sql_mode = ''",) if shop.kind == "mariadb" else ()


def crossed(
    session: Session,
    finops: Workshop,
    dataverse: Workshop,
    columns: list[tuple[str, str]],
    name: str,
) -> None:
    """Every row is across with its newest name, or held with its value."""
    wanted = {k for (k,) in rows(finops, "SELECT k FROM t")}
    across = {k for (k,) in rows(dataverse, f"SELECT k FROM u WHERE n = '{name}'")}
    held = {int(row.key["k"]): row for row in session.journal.held.rejected("odd")}
    assert across >= set(range(SOUND)), columns
    assert wanted - across == set(held) - across, (columns, wanted - across, set(held))
    assert all(k >= ODD_AT and row.reason and row.cause for k, row in held.items()), columns
    assert len(rows(dataverse, f"SELECT k FROM q WHERE n = '{name}'")) == SOUND


def rows(shop: Workshop, text: str) -> list[tuple[int]]:
    with shop.sql_hand() as hand:
        return [(int(row[0]),) for row in hand.rows(text)]
