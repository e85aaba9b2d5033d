"""Work on many items so that a refused one does not hold up the others.

An app refuses a write as a whole.  The items are then halved, and halved again, until those
that it refuses stand alone: about 2·log2(n) more writes for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from dualwrite.errors import RowsRefusedError

T = TypeVar("T")


def bisect(
    n: int, attempt: Callable[[int, int], T], refuse: Callable[[int, str], T], start: int = 0
) -> Iterator[T]:
    """Attempt items `start` to `start + n`; the results, in the order of the items.

    An attempt begins when the result before it was taken.

    Args:
        n: How many items.
        attempt: Does the items from one number up to another, all of them or none.
        refuse: What an item gives that is refused alone, by its number and the app's reason.
        start: The number of the first.

    Raises:
        TransientError, PermanentError: As `attempt`.
    """
    if not n:
        return
    try:
        result = attempt(start, start + n)
    except RowsRefusedError as refusal:
        if n > 1:
            half = n // 2
            yield from bisect(half, attempt, refuse, start)
            yield from bisect(n - half, attempt, refuse, start + half)
            return
        result = refuse(start, refusal.reason)
    yield result
