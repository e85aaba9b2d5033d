"""What every task has in common: it tries again when that can help, and only then.

A `TransientError` says that the same call may succeed later; anything else is tried
once.  Each task is one call to the engine and may be repeated: what is done is in the
journal.  Results travel between processes but are not cached, for tables change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from dualwrite.errors import TransientError


def is_transient(task: Any, task_run: Any, state: Any) -> bool:
    """Whether the error that ended the run is one that passes."""
    del task, task_run
    return isinstance(state.data, TransientError)


P = ParamSpec("P")
R = TypeVar("R")


def step(
    *, name: str, task_run_name: str, tags: Sequence[str]
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """`prefect.task` with the house's habits: five attempts in about half a minute."""
    return task(
        name=name,
        task_run_name=task_run_name,
        tags=tags,
        retries=4,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.5,
        retry_condition_fn=is_transient,
        cache_policy=NO_CACHE,
    )
