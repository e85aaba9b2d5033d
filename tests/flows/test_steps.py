"""Only transient errors are retried."""

from __future__ import annotations

import pytest
from prefect import flow

from dualwrite.errors import AppBusyError, ConfigError
from tasks.checking import check_map, publish_quality, reconcile_map
from tasks.cycle import sync_changes
from tasks.initial import (
    count_dry_run,
    finish_map,
    plan_run,
    release_parked,
    start_map,
    sync_partition,
)
from tasks.runners import task_runner
from tasks.step import is_retryable, step

BUSY = AppBusyError(app="finops", table="t", reason="locked")
TASKS = [
    start_map,
    sync_changes,
    sync_partition,
    check_map,
    finish_map,
    plan_run,
    publish_quality,
    reconcile_map,
    count_dry_run,
    release_parked,
]


def failing(error, times):
    """A task that fails so many times, and how often it was called."""
    calls = []

    @step(name="fail", task_run_name="fail", tags=[])
    def fail() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return fail.with_options(retry_delay_seconds=0), calls


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_retries_a_timeout_and_a_name(task):
    assert task.retry_condition_fn is is_retryable
    assert task.retries == 4
    # Prefect cannot interrupt a thread; a time-out would only warn, at every partition
    assert task.timeout_seconds is None
    assert task.tags


def test_a_transient_error_is_retried(prefect_server):
    task, calls = failing(BUSY, times=2)

    @flow(name="try")
    def trying():
        return task()

    assert trying() == 3
    assert len(calls) == 3


def test_a_permanent_error_is_not_retried(prefect_server):
    task, calls = failing(ConfigError("no"), times=9)

    @flow(name="refuse")
    def refused():
        return task()

    with pytest.raises(ConfigError):
        refused()

    assert len(calls) == 1


@pytest.mark.parametrize(
    ("kind", "name"), [("threads", "ThreadPoolTaskRunner"), ("processes", "ProcessPoolTaskRunner")]
)
def test_an_environment_variable_chooses_the_task_runner(monkeypatch, kind, name):
    monkeypatch.setenv("DUALWRITE_TASK_RUNNER", kind)

    assert type(task_runner()).__name__ == name


def test_an_unknown_task_runner_is_refused(monkeypatch):
    monkeypatch.setenv("DUALWRITE_TASK_RUNNER", "horses")

    with pytest.raises(ConfigError) as caught:
        task_runner()

    assert str(caught.value) == (
        "DUALWRITE_TASK_RUNNER: there is no task runner 'horses'; choose threads, processes "
        "or dask. Nothing was read or written."
    )
