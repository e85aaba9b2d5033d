"""Rows written on both sides at once, or on neither; for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session, open_session
from dualwrite.sync.write_both import write as engine
from dualwrite.sync.write_both.write import (
    FollowsError,
    NotCarriedError,
    NotTogetherError,
)

__all__ = [
    "FollowsError",
    "NotCarriedError",
    "NotTogetherError",
    "WrittenBoth",
    "write_both",
    "write_rows",
]


@dataclass(frozen=True, slots=True)
class WrittenBoth(CommandResult):
    """Rows written on the side that was asked for, and on the other one."""

    inserted: int
    updated: int
    unchanged: int
    across: int
    """Rows written on the other side."""

    def as_dict(self) -> dict[str, Any]:
        """`inserted`, `updated`, `unchanged`, `across`."""
        return {
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "across": self.across,
        }


def write_rows(
    session: Session, map_name: str, side: Side, rows: pa.Table | Sequence[Mapping[str, Any]]
) -> WrittenBoth:
    """Write rows of a map's table on one side, and on the other, or on neither.

    Shapes: `rows` is (n, c), named by the table's own columns on `side`, its integration key
    among them; a list of mappings is made into a table.  Amounts are `Decimal`, never a float.

    Raises:
        NotTogetherError: The other side does not take a row; it says which and why.
        RowsRefusedError: This side does not take them.
        FollowsError: This side has the rows, the other gets them with the next cycle.
        NotCarriedError: The map does not run.
        TransientError, PermanentError: From the apps; nothing was kept, or the message says what.
    """
    done = engine.write_both(session, map_name, side, rows)
    here = done.here
    return WrittenBoth(here.inserted, here.updated, here.unchanged, done.across)


def write_both(
    project: Path | str,
    map_name: str,
    side: Side | str,
    rows: pa.Table | Sequence[Mapping[str, Any]],
) -> WrittenBoth:
    """As `write_rows`, opening the project for this one call.

        rows = [{"DATAAREAID": "USMF", "CUSTOMERACCOUNT": "C-1", "CREDITLIMIT": Decimal("500.00")}]
        write_both("contoso", "customers-v3--accounts", "finops", rows)

    A program that writes often opens a session once (`open_session`) and calls `write_rows`.

    Raises:
        DualWriteError: As of `write_rows`; or the project cannot be opened.
    """
    with open_session(Path(project)) as session:
        return write_rows(session, map_name, Side(side), rows)
