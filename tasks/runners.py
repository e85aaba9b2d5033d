"""The task runner for the partitions of a flow: threads, processes, or a Dask cluster.

Set `DUALWRITE_TASK_RUNNER` for all flows, or use `initial_sync.with_options(task_runner=...)`.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from dualwrite.errors import ConfigError
from dualwrite.link import DEFAULT_WORKERS

VARIABLE = "DUALWRITE_TASK_RUNNER"


def task_runner(kind: str | None = None, workers: int | None = None) -> TaskRunner[Any]:
    """The task runner of the environment; threads by default.

    Args:
        kind: `threads`, `processes` or `dask`; None for `DUALWRITE_TASK_RUNNER`.
        workers: Partitions synced at the same time; None for `DUALWRITE_WORKERS`, or 2.

    Raises:
        ConfigError: There is no such task runner, or Dask is not installed.
    """
    kind = kind or os.environ.get(VARIABLE) or "threads"
    workers = workers or int(os.environ.get("DUALWRITE_WORKERS") or DEFAULT_WORKERS)
    if kind == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if kind == "processes":
        return ProcessPoolTaskRunner(max_workers=workers)
    if kind == "dask":
        return _dask(workers)
    msg = (
        f"{VARIABLE}: there is no task runner {kind!r}; choose threads, processes or dask. "
        "Nothing was read or written."
    )
    raise ConfigError(msg)


def _dask(workers: int) -> TaskRunner[Any]:
    try:
        prefect_dask: Any = importlib.import_module("prefect_dask")
    except ImportError as error:
        msg = (
            f"{VARIABLE}: Dask is not installed. Nothing was read or written.\n"
            "  pip install prefect-dask"
        )
        raise ConfigError(msg) from error
    address = os.environ.get("DUALWRITE_DASK")
    if address:
        found: TaskRunner[Any] = prefect_dask.DaskTaskRunner(address=address)
    else:
        cluster = {"n_workers": workers, "threads_per_worker": 1}
        found = prefect_dask.DaskTaskRunner(cluster_kwargs=cluster)
    return found
