"""Collects the faults of rows of master data: the first fault of each row."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc


class Faults:
    """The faults of n rows, at most one for each."""

    def __init__(self, rows: int) -> None:
        self._reasons = pa.nulls(rows, pa.string())

    def note(self, mask: pa.Array, text: str, values: pa.Array | None = None) -> None:
        """Record the fault `text`, followed by the row's value if given, for the rows of `mask`.

        A row keeps its first fault.

        Shapes: `mask` and `values` (n,); a null in `mask` is no fault.
        """
        new = pc.and_(pc.fill_null(mask, fill_value=False), self._reasons.is_null())
        if not pc.any(new).as_py():
            return
        if values is None:
            self._reasons = pc.if_else(new, pa.scalar(text), self._reasons)
            return
        texts = [f"{text}{_shown(value)}" for value in values.filter(new).to_pylist()]
        self._reasons = pc.replace_with_mask(self._reasons, new, pa.array(texts, pa.string()))

    def reasons(self, about: Callable[[pa.Array], pa.Array]) -> pa.StringArray:
        """(n,): the faults, each after the text that `about` gives for the row's number."""
        wrong = self._reasons.is_valid()
        rows = pc.indices_nonzero(wrong)
        texts = pc.binary_join_element_wise(about(rows), self._reasons.take(rows), ": ")
        return pc.replace_with_mask(self._reasons, wrong, texts)

    def table(self) -> pa.Table:
        """The numbers of the rows with a fault (`row`), and the fault (`reason`)."""
        rows = pc.indices_nonzero(self._reasons.is_valid())
        return pa.table({"row": rows.cast(pa.int64()), "reason": self._reasons.take(rows)})


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "null" if value is None else str(value)
