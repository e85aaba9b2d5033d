"""For programs: write through dualwrite, and have both sides or neither.

from dualwrite import live

live.write("contoso", "customers-v3--accounts", "finops", [
    {"DATAAREAID": "USMF", "CUSTOMERACCOUNT": "C-1", "CREDITLIMIT": Decimal("500.00")},
])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.sync.session import open_session
from dualwrite.sync.write_both.write import (
    FollowsError,
    NotCarriedError,
    NotTogetherError,
    Together,
    write_together,
)

__all__ = ["FollowsError", "NotCarriedError", "NotTogetherError", "Together", "write"]


def write(
    project: Path | str,
    map_name: str,
    side: Side | str,
    rows: pa.Table | Sequence[Mapping[str, Any]],
) -> Together:
    """Write rows of a map's table on one side, and on the other, or on neither.

    Opens the project each time; a program that writes often keeps a session open and calls
    `dualwrite.sync.write_both.write.write_together`.

    Raises:
        NotTogetherError: The other side will not have a row; it says which and why.
        FollowsError: This side has the rows, the other gets them with the next cycle.
        NotCarriedError: The map does not run.
        DualWriteError: As every use of the apps; nothing was kept, or the message says what.
    """
    with open_session(Path(project)) as session:
        return write_together(session, map_name, Side(side), rows)
