"""Writing a batch so that one bad row does not hold up the others.

An app refuses a batch as a whole.  It is then halved, and halved again, until the
rows that it will not have stand alone: some 2·log2(n) more writes for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from dualwrite.apps.base import App, Written
from dualwrite.errors import RowsRefusedError


def write_rows(
    app: App,
    table: str,
    rows: pa.Table,
    *,
    key: Sequence[str],
    fresh: bool = False,
    update_only: bool = False,
    dry_run: bool = False,
) -> tuple[Written, dict[int, str]]:
    """Write `rows`; what was done, and for each refused row (by number) the app's reason.

    Raises:
        TransientError, PermanentError: As `App.write`.
    """
    if dry_run or not rows.num_rows:
        n = rows.num_rows
        return (Written(updated=n) if update_only else Written(inserted=n)), {}
    try:
        if update_only:
            return app.update(table, rows, key=key), {}
        return app.write(table, rows, key=key, fresh=fresh), {}
    except RowsRefusedError as refusal:
        if rows.num_rows == 1:
            return Written(), {0: refusal.reason}
    half = rows.num_rows // 2
    done = Written()
    refused: dict[int, str] = {}
    for start, part in ((0, rows.slice(0, half)), (half, rows.slice(half))):
        written, bad = write_rows(app, table, part, key=key, update_only=update_only)
        done += written
        refused |= {start + number: reason for number, reason in bad.items()}
    return done, refused
