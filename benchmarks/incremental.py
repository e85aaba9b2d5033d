"""A tenth of a large table changed: one cycle, compared with a manual copy of the same rows.

By hand is `COPY` of the changed rows into a staging table and one `INSERT ... ON CONFLICT
DO UPDATE`: no capture, no gate, no conflict, one way, and with given rows.  Both are whole
processes that take turns on one server, 20 columns, one unique index each.  Two columns of each
row change, one amount among them.  What capture adds to the application's own bulk update is
measured beside it, against the same update of a table without capture.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import customers, processes
from benchmarks.initial import plain, psql
from tests.servers import running

RUNS = 3
SHARE = 10
"""One of this many rows changes."""
_COLUMNS = (
    "dataareaid, account, name, groupid, currency, terms, creditlimit, balance, discount, onhold, "
    "onetime, memo, city, zip, country, email, phone, taxnumber, created, modified"
)
_KEY = ("dataareaid", "account")


def results(rows: int) -> Iterator[dict[str, Any]]:
    """Measure, in turns; medians."""
    with running.postgresql() as server, tempfile.TemporaryDirectory() as folder:
        finops, dataverse = plain(server.fresh_database()), plain(server.fresh_database())
        project = Path(folder) / "bench"
        customers.prepare(project, finops, dataverse, rows)
        processes.dualwrite("run", "--project", str(project), "--json", "customers")
        with psycopg.connect(finops, autocommit=True) as connection:
            connection.execute("CREATE TABLE bare (LIKE customer INCLUDING ALL)")
            connection.execute("INSERT INTO bare SELECT * FROM customer")
            connection.execute("VACUUM ANALYZE bare")
        _copy_all(finops, dataverse)
        captured, uncaptured, ours, bare = [], [], [], []
        for turn in range(RUNS):
            uncaptured.append(_change(finops, "bare", turn))
            captured.append(_change(finops, "customer", turn))
            bare.append(_by_hand(finops, dataverse, turn))
            ours.append(_cycle(project, rows // SHARE))
        seconds = statistics.median(each.seconds for each in ours)
        reference = statistics.median(each.seconds for each in bare)
        yield {
            "case": "incremental postgresql->postgresql",
            "rows": rows // SHARE,
            "seconds": round(seconds, 2),
            "reference_seconds": round(reference, 2),
            "ratio": round(seconds / reference, 2),
            "peak_mb": round(max(each.peak_mb for each in ours)),
        }
        with_, without = statistics.median(captured), statistics.median(uncaptured)
        yield {
            "case": "capture of a bulk update",
            "rows": rows // SHARE,
            "seconds": round(with_, 2),
            "reference_seconds": round(without, 2),
            "ratio": round(with_ / without, 2),
        }


def _copy_all(finops: str, dataverse: str) -> None:
    out = f'{psql()} "{finops}" -q -c "COPY customer TO STDOUT"'
    into = f'{psql()} "{dataverse}" -q -c "COPY customer_copy FROM STDIN"'
    processes.run(["bash", "-o", "pipefail", "-c", f"{out} | {into}"])


def _change(finops: str, table: str, turn: int) -> float:
    with psycopg.connect(finops, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        begun = time.perf_counter()
        connection.execute(
            f"UPDATE {table} SET creditlimit = creditlimit + 1, memo = 'turn {turn}' "
            f"WHERE right(account, 1) = '{turn}'"
        )
        return time.perf_counter() - begun


def _by_hand(finops: str, dataverse: str, turn: int) -> processes.Measured:
    changes = f"SELECT {_COLUMNS} FROM customer WHERE right(account, 1) = '{turn}'"
    assigned = ", ".join(
        f"{name} = excluded.{name}" for name in _COLUMNS.split(", ") if name not in _KEY
    )
    into = (
        "BEGIN; CREATE TEMP TABLE staged (LIKE customer_copy) ON COMMIT DROP; "
        "COPY staged FROM STDIN; "
        f"INSERT INTO customer_copy ({_COLUMNS}) SELECT {_COLUMNS} FROM staged "
        f"ON CONFLICT (dataareaid, account) DO UPDATE SET {assigned}; COMMIT"
    )
    steps = " ".join(f'-c "{step.strip()}"' for step in into.split(";"))
    out = f'{psql()} "{finops}" -q -c "COPY ({changes}) TO STDOUT"'
    return processes.run(
        ["bash", "-o", "pipefail", "-c", f'{out} | {psql()} "{dataverse}" -q {steps}']
    )


def _cycle(project: Path, rows: int) -> processes.Measured:
    done = processes.dualwrite("sync", "--project", str(project), "--json", "customers")
    counts = json.loads(done.output)["maps"][0]["finops->dataverse"]
    if counts["written"] != rows or counts["rejected"] or counts["parked"]:
        msg = f"the cycle did not carry every row: {counts}"
        raise RuntimeError(msg)
    return done
