"""Live sync, commit to commit: one change at a time, 200 a second, 5,000 a second, none.

`dualwrite live` runs as a process of its own.  A change's clock starts when the source's
commit has returned and stops when a listener hears the target's commit (a NOTIFY by a trigger
on the target table, whose own way takes some 2 ms).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import customers, processes
from benchmarks.initial import plain
from tests.servers import running

ROWS = 20_000
SINGLE = 300
PACED_SECONDS, PACED_RATE = 15, 200
SUSTAINED_SECONDS, SUSTAINED_RATE, SUSTAINED_BATCH = 15, 5_000, 100
IDLE_SECONDS = 10

_ARRIVALS = """
CREATE FUNCTION arrived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('arrived', n.accountnumber || ' ' || n.memo) FROM new n;
  RETURN NULL;
END $$;
CREATE TRIGGER arrived AFTER UPDATE ON account REFERENCING NEW TABLE AS new
FOR EACH STATEMENT EXECUTE FUNCTION arrived();
"""


def results() -> Iterator[dict[str, Any]]:
    """Measure."""
    with running.postgresql() as server, tempfile.TemporaryDirectory() as folder:
        finops, dataverse = plain(server.fresh_database()), plain(server.fresh_database())
        project = Path(folder) / "bench"
        customers.prepare(project, finops, dataverse, ROWS)
        processes.dualwrite("run", "--project", str(project), "--json", "customers")
        with psycopg.connect(dataverse, autocommit=True) as connection:
            connection.execute(_ARRIVALS)
        command = [sys.executable, "-m", "dualwrite", "live", "--project", str(project)]
        live = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield from _measure(live.pid, finops, dataverse)
        finally:
            live.terminate()
            live.wait(30)


def _measure(pid: int, finops: str, dataverse: str) -> Iterator[dict[str, Any]]:
    with _Arrivals(dataverse) as arrivals, psycopg.connect(finops, autocommit=True) as source:
        for number in range(20):  # until it is up, and warm
            _one(source, arrivals, number, "warm", patience=60)
        single = [_one(source, arrivals, n, f"one {n}", patience=30) for n in range(SINGLE)]
        yield _case("live, one change at a time", single)
        yield _case("live, 200 changes a second", _paced(source, arrivals))
        yield _sustained(source, arrivals)
        time.sleep(5)
        process = psutil.Process(pid)
        process.cpu_percent()
        time.sleep(IDLE_SECONDS)
        yield {"case": "live, idle", "core_percent": round(process.cpu_percent(), 2)}


def _case(case: str, seconds: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    named = {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "max_ms": max(seconds)}
    figures = {name: round(value * 1000, 1) for name, value in named.items()}
    return {"case": case, "changes": len(seconds), **figures}


def _account(number: int) -> str:
    return f"CUST{1 + number % ROWS:09}"


def _one(
    source: psycopg.Connection[Any], arrivals: _Arrivals, number: int, memo: str, patience: float
) -> float:
    memo = f"{memo} {number}"
    source.execute("UPDATE customer SET memo = %s WHERE account = %s", (memo, _account(number)))
    committed = time.perf_counter()
    return max(arrivals.wait_for(_account(number), memo, patience) - committed, 0.0)


def _paced(source: psycopg.Connection[Any], arrivals: _Arrivals) -> list[float]:
    begun, committed = time.perf_counter(), {}
    for number in range(PACED_SECONDS * PACED_RATE):
        due = begun + number / PACED_RATE
        time.sleep(max(due - time.perf_counter(), 0))
        memo = f"paced {number}"
        source.execute("UPDATE customer SET memo = %s WHERE account = %s", (memo, _account(number)))
        committed[_account(number), memo] = time.perf_counter()
    return [
        max(arrivals.wait_for(account, memo, 30) - at, 0.0)
        for (account, memo), at in committed.items()
    ]


def _sustained(source: psycopg.Connection[Any], arrivals: _Arrivals) -> dict[str, Any]:
    """Statements of a hundred rows; the lag of the last row of each, by second."""
    lags: list[float] = []
    begun = time.perf_counter()
    sent: list[tuple[str, str, float]] = []
    for number in range(SUSTAINED_SECONDS * SUSTAINED_RATE // SUSTAINED_BATCH):
        due = begun + number * SUSTAINED_BATCH / SUSTAINED_RATE
        time.sleep(max(due - time.perf_counter(), 0))
        first = number * SUSTAINED_BATCH % ROWS
        memo = f"many {number}"
        accounts = [_account(first + n) for n in range(SUSTAINED_BATCH)]
        source.execute("UPDATE customer SET memo = %s WHERE account = ANY(%s)", (memo, accounts))
        sent.append((accounts[-1], memo, time.perf_counter()))
    took = time.perf_counter() - begun
    for account, memo, at in sent:
        lags.append(max(arrivals.wait_for(account, memo, 60) - at, 0.0))
    third = len(lags) // 3
    return {
        "case": "live, 5,000 changes a second",
        "changes": len(lags) * SUSTAINED_BATCH,
        "a_second": round(len(lags) * SUSTAINED_BATCH / took),
        "lag_ms_first_third": round(statistics.median(lags[:third]) * 1000, 1),
        "lag_ms_last_third": round(statistics.median(lags[-third:]) * 1000, 1),
        "lag_ms_max": round(max(lags) * 1000, 1),
    }


class _Arrivals:
    """Records what was committed on the target, and when."""

    def __init__(self, url: str) -> None:
        self._url, self._at = url, dict[str, float]()
        self._heard = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Arrivals:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait_for(self, account: str, memo: str, patience: float) -> float:
        """The time when a change arrived; a later change of the same row counts too."""
        wanted = f"{account} {memo}"
        with self._heard:
            if not self._heard.wait_for(lambda: wanted in self._at, patience):
                msg = f"{wanted} did not arrive within {patience} s"
                raise RuntimeError(msg)
            return self._at[wanted]

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("LISTEN arrived")
            while not self._over.is_set():
                for note in connection.notifies(timeout=0.2):
                    at = time.perf_counter()
                    with self._heard:
                        self._at[note.payload] = at
                        self._heard.notify_all()
