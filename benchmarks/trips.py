"""The trip of a small batch through one app: lock, look up entries, update, record, acknowledge.

What it costs beside the network: how few values travel, and how often a statement waits for
its answer.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Op
from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.tablemap.notation import ColumnPath
from tests.servers import running

ROWS = 20_000
SIZES = {1: 200, 10: 200, 100: 100, 1000: 40}
"""Keys of a batch, and how many batches are timed."""
_TABLE = (
    "CREATE TABLE customer (id BIGINT PRIMARY KEY, company VARCHAR(4) NOT NULL, "
    "number VARCHAR(20) NOT NULL, name VARCHAR(60), rating BIGINT, UNIQUE (company, number))"
)
_KEY = ("company", "number")
_PATHS = tuple(ColumnPath((name,)) for name in _KEY)
_QUERY = Query("customer", (*_PATHS, ColumnPath(("name",)), ColumnPath(("rating",))), _PATHS)
_CAPTURE = Capture("dualwrite_q_customer_1", "customer", _PATHS, (*_KEY, "name", "rating"))
_ORIGIN = Origin("trips", _CAPTURE.queue, epoch=1)


def results() -> Iterator[dict[str, Any]]:
    """Medians for each database and size of a batch."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        file = Path(folder) / "app.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(_TABLE)
        urls = {"sqlite": f"sqlite:///{file}"}
        for kind, start in (("postgresql", running.postgresql), ("mariadb", running.mariadb)):
            server = stack.enter_context(start())
            urls[kind] = server.fresh_database()
            server.execute(_TABLE, url=urls[kind])
        for kind, url in urls.items():
            app = open_app(Side.FINOPS, url)
            _fill(app)
            for size, runs in SIZES.items():
                yield _timed(app, kind, size, runs)
            app.close()


def _fill(app: App) -> None:
    numbers = pa.array(range(ROWS), pa.int64())
    rows = _rows(range(ROWS), "first").append_column("id", numbers)
    app.write("customer", rows, key=["id"], fresh=True)
    app.install(_CAPTURE)


def _timed(app: App, kind: str, size: int, runs: int) -> dict[str, Any]:
    seconds = []
    for run in range(runs + 5):
        first = (run * size * 7) % (ROWS - size)
        rows = _rows(range(first, first + size), f"{size} {run}")
        keys = rows.select(list(_KEY))
        with app.writing() as writing:
            writing.enqueue(_CAPTURE, keys, op=Op.UPDATE)
        began = time.perf_counter()
        _trip(app, rows, keys)
        seconds.append(time.perf_counter() - began)
    timed = seconds[5:]  # the first ones build their statements
    return {
        "case": f"trip, {kind}",
        "keys": size,
        "best_ms": round(min(timed) * 1000, 2),
        "p50_ms": round(statistics.median(timed) * 1000, 2),
        "p90_ms": round(statistics.quantiles(timed, n=10)[8] * 1000, 2),
    }


def _trip(app: App, rows: pa.Table, keys: pa.Table) -> None:
    with app.writing(_ORIGIN) as writing:
        writing.lock(_QUERY, keys)
        entries = writing.entries(_CAPTURE, keys)
        done = writing.update("customer", rows, key=_KEY)
        writing.record_applied(_CAPTURE.queue, entries.id)
    assert done.updated == rows.num_rows
    assert app.acknowledge(_CAPTURE.queue, entries.id) == rows.num_rows


def _rows(numbers: range, name: str) -> pa.Table:
    values = [f"{name} {number}" for number in numbers]
    return pa.table(
        {
            "company": ["USMF"] * len(numbers),
            "number": [f"C{number:06d}" for number in numbers],
            "name": values,
            "rating": pa.array(numbers, pa.int64()),
        }
    )
