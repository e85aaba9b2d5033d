"""What all tasks have in common: they are retried on transient errors only.

A `TransientError` means that the same call may succeed later; other errors are not retried.  Each
task is one call of the engine and may be repeated, as its progress is in the journal.  Results are
passed between processes but not cached, as tables change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from dualwrite.errors import TransientError


def is_retryable(task: Any, task_run: Any, state: Any) -> bool:
    """Whether the task run failed with a transient error."""
    del task, task_run
    return isinstance(state.data, TransientError)


P = ParamSpec("P")
R = TypeVar("R")


def step(
    *, name: str, task_run_name: str, tags: Sequence[str]
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """`prefect.task` with our defaults: five attempts in about half a minute."""
    return task(
        name=name,
        task_run_name=task_run_name,
        tags=tags,
        retries=4,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.5,
        retry_condition_fn=is_retryable,
        cache_policy=NO_CACHE,
    )
