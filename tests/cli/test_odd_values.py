"""What a database holds and our types do not: its row is held, and nothing else is stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Call, as_json

ODD: dict[str, Sequence[tuple[str, str, str]]] = {
    "sqlite": [
        ("integer", "'twelve'", "twelve"),
        ("integer", "1.5", "1.5"),
        ("date", "'0000-00-00'", "0000-00-00"),
        ("decimal(9, 2)", "'NaN'", "NaN"),
        ("text", "CAST(x'4dfc6c' AS TEXT)", "0x4dfc6c"),
    ],
    "postgresql": [
        ("numeric", "'NaN'", "NaN"),
        ("numeric", "0.12345678901", "0.12345678901"),
        ("numeric(60, 10)", f"{'9' * 45}.5", f"{'9' * 45}.5000000000"),
        ("date", "'infinity'", "infinity"),
        ("date", "'0044-03-15 BC'", "0044-03-15 BC"),
        ("timestamp", "'-infinity'", "-infinity"),
        ("timestamptz", "'20260-01-01 00:00+00'", "20260-01-01 00:00:00+00"),
    ],
    "mariadb": [
        ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("decimal(65, 10)", f"{'9' * 45}.5", f"{'9' * 45}.5000000000"),
        ("date", "'0000-00-00'", "0000-00-00"),
        ("datetime", "'2026-00-01 00:00:00'", "2026-00-01 00:00:00"),
    ],
}
CASES = [(kind, *case) for kind, cases in ODD.items() for case in cases]
MAP = """map: {name}
title: {name}
finops: {{table: f_{name}, key: [code]}}
dataverse: {{table: d_{name}, key: [code]}}
columns: [code = code, v = v]
"""


class Pair:
    """Two databases of one kind and a project with the maps `odd` and `sound`."""

    def __init__(self, folder: Path, kind: str, urls: Sequence[str], native: str) -> None:
        self.kind, self.folder = kind, folder
        drivers = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}
        self.engines = [
            sa.create_engine(
                sa.make_url(url).set(drivername=drivers.get(kind, kind)), poolclass=sa.NullPool
            )
            for url in urls
        ]
        for engine, prefix in zip(self.engines, "fd", strict=True):
            self.execute(
                engine,
                f"CREATE TABLE {prefix}_odd (code varchar(9) PRIMARY KEY, v {native})",
                f"CREATE TABLE {prefix}_sound (code varchar(9) PRIMARY KEY, v varchar(9))",
            )
        (folder / "maps").mkdir(parents=True)
        for name in ("odd", "sound"):
            (folder / "maps" / f"{name}.yaml").write_text(MAP.format(name=name))
        apps = "".join(
            f'[apps.{side}]\nconnector = "sql"\nurl = "{url}"\n'
            for side, url in zip(("finops", "dataverse"), urls, strict=True)
        )
        (folder / "dualwrite.toml").write_text(f'[link]\nname = "odd"\ncompanies = []\n{apps}')

    def execute(self, engine: sa.Engine, *statements: str) -> None:
        with engine.begin() as connection:
            if self.kind == "mariadb":  # as old applications set it
                connection.execute(sa.text("SET SESSION sql_mode = ''"))
            for statement in statements:
                connection.execute(sa.text(statement))

    def in_finops(self, *statements: str) -> None:
        self.execute(self.engines[0], *statements)

    def codes(self, table: str) -> list[str]:
        with self.engines[1].connect() as connection:
            query = sa.text(f"SELECT code FROM {table} ORDER BY code")
            return list(connection.execute(query).scalars())


def held(call: Call, folder: Path) -> list[tuple[Any, ...]]:
    found = as_json(call, "errors", "--project", folder)["rejected"]
    return [(row["key"]["code"], row["rule"]) for row in found]


@pytest.mark.parametrize(("kind", "native", "value", "text"), CASES)
def test_one_odd_value_holds_its_row_alone(
    call: Call,
    tmp_path: Path,
    app_pair_urls: Callable[[str], tuple[str, str]],
    kind: str,
    native: str,
    value: str,
    text: str,
) -> None:
    folder = tmp_path / "project"
    pair = Pair(folder, kind, app_pair_urls(kind), native)
    pair.in_finops(
        f"INSERT INTO f_odd VALUES ('bad', {value})", "INSERT INTO f_odd VALUES ('g1', NULL)"
    )

    dry = as_json(call, "run", "odd", "--dry-run", "--project", folder)
    as_json(call, "run", "odd", "sound", "--project", folder)

    assert dry["maps"][0]["finops->dataverse"]["rejected"] == 1
    assert held(call, folder) == [("bad", "readable")]
    assert pair.codes("d_odd") == ["g1"]

    pair.in_finops(
        "INSERT INTO f_odd VALUES ('g2', NULL)",
        f"INSERT INTO f_odd VALUES ('worse', {value})",
        "INSERT INTO f_sound VALUES ('s1', 'x')",
    )
    as_json(call, "sync", "--project", folder)

    assert sorted(held(call, folder)) == [("bad", "readable"), ("worse", "readable")]
    assert pair.codes("d_odd") == ["g1", "g2"]
    assert pair.codes("d_sound") == ["s1"]
    reason = as_json(call, "errors", "--project", folder)["rejected"][0]["reason"]
    assert f"v is '{text}'" in reason

    compared = as_json(call, "reconcile", "odd", "--project", folder)
    assert compared["same"] == 2
    pair.in_finops("UPDATE f_odd SET v = NULL WHERE code IN ('bad', 'worse')")
    as_json(call, "sync", "--project", folder)
    assert held(call, folder) == []
    assert pair.codes("d_odd") == ["bad", "g1", "g2", "worse"]


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_value_of_the_target_is_not_overwritten_unread(
    call: Call, tmp_path: Path, app_pair_urls: Callable[[str], tuple[str, str]], kind: str
) -> None:
    native, value, _ = ODD[kind][0]
    folder = tmp_path / "project"
    pair = Pair(folder, kind, app_pair_urls(kind), native)
    pair.execute(pair.engines[1], f"INSERT INTO d_odd VALUES ('a', {value})")
    pair.in_finops("INSERT INTO f_odd VALUES ('a', 7)", "INSERT INTO f_odd VALUES ('b', 8)")

    as_json(call, "run", "odd", "--master", "finops", "--project", folder)

    rejected = as_json(call, "errors", "--project", folder)["rejected"]
    assert ("a", "readable") in [(row["key"]["code"], row["rule"]) for row in rejected]
    assert pair.codes("d_odd") == ["a", "b"]
