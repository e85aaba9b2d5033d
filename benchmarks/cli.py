"""How long a person waits for a small command, as a whole process."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import processes

RUNS = 7


def results() -> Iterator[dict[str, Any]]:
    """`dualwrite status` and `dualwrite --help`, medians."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "box"
        processes.dualwrite("sandbox", "create", str(project), "--rows", "200", "--json")
        processes.dualwrite(
            "run", "--project", str(project), "--json", "currencies--transactioncurrencies"
        )
        for case, arguments in (
            ("status", ["status", "--project", str(project)]),
            ("help", ["--help"]),
        ):
            measured = [processes.dualwrite(*arguments) for _ in range(RUNS)]
            yield {
                "case": case,
                "rows": 0,
                "seconds": round(statistics.median(each.seconds for each in measured), 3),
                "peak_mb": round(max(each.peak_mb for each in measured)),
            }
