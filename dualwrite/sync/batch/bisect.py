"""Work on many items so that a refused one does not hold up the others.

An app refuses a write as a whole.  The items are then halved, and halved again, until those
that it refuses stand alone: about 2·log2(n) more writes for each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dualwrite.errors import RowsRefusedError

T = TypeVar("T")


def bisect(
    n: int, attempt: Callable[[int, int], T], start: int = 0
) -> tuple[list[T], dict[int, str]]:
    """Attempt items `start` to `start + n`; the results, and the app's reason for each refusal.

    Args:
        n: How many items.
        attempt: Does the items from one number up to another, all of them or none.
        start: The number of the first.

    Raises:
        TransientError, PermanentError: As `attempt`.
    """
    if not n:
        return [], {}
    try:
        return [attempt(start, start + n)], {}
    except RowsRefusedError as refusal:
        if n == 1:
            return [], {start: refusal.reason}
    half = n // 2
    done, refused = bisect(half, attempt, start)
    more, others = bisect(n - half, attempt, start + half)
    return [*done, *more], refused | others
