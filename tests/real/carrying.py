"""Loads Arrow tables into a project of two databases, and syncs them as `dualwrite run` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sandbox.schema import create_tables
from dualwrite.sandbox.schema.definition import sandbox_tables
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.reconcile.reconcile import Comparison, reconcile
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.model import Master
from dualwrite.tablemap.notation import ColumnPath


@contextmanager
def project(folder: Path, urls: Mapping[Side, str], companies: Sequence[str]) -> Iterator[Session]:
    """A project folder over two databases, with a journal of its own, opened."""
    listed = ", ".join(f'"{company}"' for company in companies)
    apps = "".join(
        f'[apps.{side.value}]\nconnector = "sql"\nurl = "{url}"\n\n' for side, url in urls.items()
    )
    text = f'[link]\nname = "real"\ncompanies = [{listed}]\n\n{apps}'
    (folder / "dualwrite.toml").write_text(text, encoding="utf-8")
    with open_session(folder) as session:
        yield session


def load(side: Side, url: str, tables: Mapping[str, pa.Table]) -> None:
    """Create the sample app's tables and put rows in, in the order given."""
    create_tables(url, side)
    app = open_app(side, url)
    try:
        for name, rows in tables.items():
            written = app.write(name, rows, key=sandbox_tables(side)[name].key, fresh=True)
            assert written.inserted == rows.num_rows, name
    finally:
        app.close()


def run(
    session: Session,
    *,
    master: Master | None = None,
    again: bool = False,
    partition_rows: int = 50_000,
) -> dict[str, MapResult]:
    """Run every map there is; `again` compares all rows of the maps that run already."""
    plan = make_plan(session, session.catalogue.names(), master=master)
    options = RunOptions(initial_sync=True if again else None, partition_rows=partition_rows)
    return {result.map: result for result in run_maps(session, plan, options)}


def counted(
    results: Mapping[str, MapResult], what: str, side: Side = Side.FINOPS
) -> dict[str, int]:
    """One count of every map out of `side`, where it is not zero."""
    found = {
        name: getattr(result.counts[side.direction], what)
        for name, result in results.items()
        if side.direction in result.counts
    }
    return {name: count for name, count in found.items() if count}


def held(session: Session) -> dict[tuple[str, str, str], int]:
    """How many rows wait: by map, kind and cause."""
    found: Counter[tuple[str, str, str]] = Counter()
    for cause in session.journal.held.causes():
        found[cause.map, cause.kind, cause.cause] += cause.rows
    return dict(found)


def compared(session: Session) -> dict[str, Comparison]:
    """Both sides of every map, row by row."""
    return {name: reconcile(session, session.map(name)) for name in session.catalogue.names()}


def values(session: Session, side: Side, table: str, *paths: str) -> dict[Any, Any]:
    """What one app holds now: the last of `paths` by the ones before it."""
    columns = tuple(map(ColumnPath.parse, paths))
    rows = session.apps[side].read(Query(table, columns)).to_pylist()
    keys = [tuple(row[path] for path in paths[:-1]) for row in rows]
    return {
        (key if len(key) > 1 else key[0]): row[paths[-1]]
        for key, row in zip(keys, rows, strict=True)
    }
