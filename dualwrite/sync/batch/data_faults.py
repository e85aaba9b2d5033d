"""A value that our own code cannot compute with is the fault of its map, and of no other."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from dualwrite.errors import PermanentError

_PACKAGE = "dualwrite/"


class UncomputableError(PermanentError):
    """Arrow or arithmetic refused a value where every value should have been held or carried."""

    def __init__(self, *, map_name: str, error: str, place: str) -> None:
        self.map_name, self.error, self.place = map_name, error, place
        super().__init__(
            f"{map_name}: a value could not be computed with ({error} in {place}). "
            "Nothing of its batch was written; its changes stay queued, other maps go on.\n"
            "  This is a fault of dualwrite: report it with this line. dualwrite reconcile "
            f"{map_name} shows the rows that differ; changing the odd one lets the map go on."
        )


@contextmanager
def data_faults(map_name: str) -> Iterator[None]:
    """Raise what Arrow, arithmetic or the conversion of a value raises as that map's own error.

    Any other exception passes: it may be anything, and the command must not go on.

    Raises:
        UncomputableError: In the place of `ArrowException`, `ArithmeticError` and `ValueError`.
    """
    try:
        yield
    except (pa.ArrowException, ArithmeticError, ValueError) as fault:
        # of the message nothing: it may hold values of rows
        frames = traceback.extract_tb(fault.__traceback__)
        ours = [each for each in frames if _PACKAGE in each.filename]
        last = ours[-1]
        place = f"{last.filename.rpartition(_PACKAGE)[2]}:{last.lineno}"
        raise UncomputableError(
            map_name=map_name, error=type(fault).__name__, place=place
        ) from fault
