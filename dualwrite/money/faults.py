"""What is wrong with the rows of a table of master data, the first fault of each row."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc


class Faults:
    """Collects one reason a row, and tells them."""

    def __init__(self, rows: int) -> None:
        self._reasons = pa.nulls(rows, pa.string())

    def note(self, mask: pa.Array, text: str, values: pa.Array | None = None) -> None:
        """Where `mask` holds and nothing is noted yet, note `text`, with the row's value if given.

        Shapes: `mask` and `values` (n,); a null in `mask` is no fault.
        """
        new = pc.and_(pc.fill_null(mask, fill_value=False), self._reasons.is_null())
        if not pc.any(new).as_py():
            return
        if values is None:
            self._reasons = pc.if_else(new, pa.scalar(text), self._reasons)
            return
        told = [f"{text}{_shown(value)}" for value in values.filter(new).to_pylist()]
        self._reasons = pc.replace_with_mask(self._reasons, new, pa.array(told, pa.string()))

    def told(self, about: Callable[[pa.Array], pa.Array]) -> pa.StringArray:
        """(n,): each reason behind what `about` says of the rows of these numbers."""
        wrong = self._reasons.is_valid()
        rows = pc.indices_nonzero(wrong)
        texts = pc.binary_join_element_wise(about(rows), self._reasons.take(rows), ": ")
        return pc.replace_with_mask(self._reasons, wrong, texts)

    def table(self) -> pa.Table:
        """The numbers of the rows at fault (`row`), and why (`reason`)."""
        rows = pc.indices_nonzero(self._reasons.is_valid())
        return pa.table({"row": rows.cast(pa.int64()), "reason": self._reasons.take(rows)})


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "null" if value is None else str(value)
