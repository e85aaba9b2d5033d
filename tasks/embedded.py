"""A temporary Prefect server in a folder, for users without a server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_SERVER_LOGGING_LEVEL,
    temporary_settings,
)


@contextmanager
def own_prefect(home: Path) -> Iterator[str]:
    """Use the configured server, or a temporary one in `home` for this block.

    Yields:
        How to see the runs afterwards.
    """
    _be_quiet()
    if PREFECT_API_URL.value():
        yield f"your Prefect server, {PREFECT_API_URL.value()}"
        return
    home.mkdir(parents=True, exist_ok=True)
    # it logs the tracebacks of calls that it retries successfully
    quiet = {PREFECT_HOME: home, PREFECT_SERVER_LOGGING_LEVEL: "CRITICAL"}
    with temporary_settings(quiet):
        yield f"PREFECT_HOME={home} prefect server start"


def _be_quiet() -> None:
    """Log only progress until the process ends, as the temporary server logs errors on its exit."""
    for name in (
        *("prefect", "prefect.flow_runs", "prefect.task_runs", "great_expectations"),
        *("dualwrite", "dualwrite.batch"),
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("    %(message)s"))
    progress = logging.getLogger("dualwrite.flows")
    progress.handlers, progress.propagate = [handler], False
    progress.setLevel(logging.INFO)
