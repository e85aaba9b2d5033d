"""`python -m benchmarks [--only initial|incremental|live|trips|rules|cli] [--rows N] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

import psutil

from benchmarks import cli, incremental, initial, live, rules, trips

CASES = ("initial", "incremental", "live", "trips", "rules", "cli")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=CASES, help="measure only this")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of initial and rules")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    asked = parser.parse_args()
    found = []
    for result in _measure(asked.only, asked.rows):
        found.append(result)
        print("  ".join(f"{k}={v}" for k, v in result.items()), file=sys.stderr, flush=True)
    if asked.json:
        print(json.dumps({"machine": machine(), "results": found}, indent=2))


def _measure(only: str | None, rows: int) -> Iterator[dict[str, Any]]:
    if only in (None, "initial"):
        yield from initial.results(rows)
    if only in (None, "incremental"):
        yield from incremental.results(rows)
    if only in (None, "live"):
        yield from live.results()
    if only in (None, "trips"):
        yield from trips.results()
    if only in (None, "rules"):
        yield from rules.results(rows)
    if only in (None, "cli"):
        yield from cli.results()


def machine() -> dict[str, Any]:
    """The machine on which the figures were measured."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
