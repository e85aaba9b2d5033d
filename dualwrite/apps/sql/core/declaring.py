"""Decimal columns declared anew in SQL: one statement a table, after a look under a lock.

PostgreSQL and MariaDB say it by ALTER TABLE, and would round what does not fit any more:
so, where a column keeps fewer digits than before, the values are looked at first, with the
table locked.  SQLite has no such statement; it keeps a table's declaration as text
(`sqlite_declaring`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from dualwrite.apps.declaring import Declared, NotDeclaredError, narrowed
from dualwrite.apps.sql.core.faults import sqlstate
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.errors import DualWriteError, PermanentError, PrivilegeError
from dualwrite.tablemap.schema import TableSchema

_DEPENDED_ON = ("0A000", "2BP01")
"""What PostgreSQL says of a column that a view or a trigger is made of."""


def declared_type(kind: Any) -> str:
    """A decimal type as every database spells it: `numeric(19, 4)`."""
    return f"numeric({kind.precision}, {kind.scale})"


def losses(
    session: DatabaseSession,
    table: sa.TableClause,
    schema: TableSchema,
    columns: Declared,
    cut: str,
) -> Mapping[str, int]:
    """How many values of each narrowed column would lose digits; `cut` is trunc or truncate."""
    found = {}
    for name, kind in narrowed(schema, columns).items():
        lost = too_long(table.c[name], kind, cut)
        count = session.number(sa.select(sa.func.count()).select_from(table).where(lost))
        if count:
            found[name] = count
    return found


def too_long(value: Any, kind: Any, cut: str) -> sa.ColumnElement[bool]:
    """Whether a number has more digits than the type keeps."""
    kept = getattr(sa.func, cut)(value, kind.scale)
    bound: Any = sa.literal_column("1" + "0" * (kind.precision - kind.scale))
    return sa.or_(value != kept, sa.func.abs(value) >= bound)


def declared_line(statement: str, quoted: str, kind: Any) -> str:
    """The column's line of SHOW CREATE TABLE with other digits; all else as it stands."""
    found = re.search(
        rf"^\s*(?P<name>{re.escape(quoted)} decimal)\(\d+,\d+\)(?P<rest>.*?),?$",
        statement,
        re.MULTILINE,
    )
    assert found is not None, "the column is a decimal of this table"
    return f"{found['name']}({kind.precision},{kind.scale}){found['rest']}"


def declining(fault: BaseException, error: DualWriteError, app: str, table: str) -> DualWriteError:
    """The error for a database's refusal to alter a table."""
    if isinstance(error, PrivilegeError):
        return PrivilegeError(app=app, table=table, privilege="alter the table")
    # what is none of the kinds that any statement may meet is about this table
    if sqlstate(fault) in _DEPENDED_ON or type(error) is PermanentError:
        line = str(error).split("\n", 1)[0].removesuffix(". Nothing was written.")
        reason = line.partition("not understood by the app: ")[2]
        return NotDeclaredError(app=app, table=table, reason=reason or line)
    return error
