"""What a database made of rows that were written: read back where it may be something else.

A trigger, a rule or row security of the app can leave a write out without an error, keep the
value that a column had, or give a row values of its own.  A table that has none of them is read
back only where fewer rows were written than given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dualwrite.apps.canonical import canonical
from dualwrite.apps.entries import changed_text
from dualwrite.apps.matching import differ
from dualwrite.apps.sql.core.dialect import NUMBER, Staged
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.transactions import Altered, Written
from dualwrite.errors import RowsRefusedError

Mask = Any


@dataclass(frozen=True, slots=True)
class Unlike:
    """m staged rows that the table does not hold as they are.

    Shapes: `numbers` (m,) their numbers, or any where they have none; `absent` (m,) whether there
    is no row under their key; by column, `differs` (m,) whether the value there is another one,
    and `values` (m,) that value, as bytes.
    """

    numbers: pa.Array
    absent: Mask
    differs: dict[str, Mask]
    values: dict[str, Any]

    def __len__(self) -> int:
        return len(self.numbers)


def unlike(session: DatabaseSession, staged: Staged) -> Unlike:
    """Ask which staged rows the table does not hold as they are, by key."""
    text = staged.statement(session, "unlike", lambda: _select(staged))
    numbers, absent, *rest = (_flat(column) for column in session.arrays(text, short=True))
    flags = dict(zip(staged.changing, rest[0::2], strict=True))
    values = dict(zip(staged.changing, rest[1::2], strict=True))
    return Unlike(
        canonical(numbers, pa.int64()),
        canonical(absent, pa.bool_()),
        {name: canonical(flag, pa.bool_()) for name, flag in flags.items()},
        {name: _bytes(value) for name, value in values.items()},
    )


def lock(session: DatabaseSession, staged: Staged) -> None:
    """Lock the rows under the keys of staged ones, and wait for whoever holds them."""
    held = _there(staged).with_for_update(of=staged.target)
    session.arrays(staged.statement(session, "lock", lambda: held), short=True)


def judged(app: str, staged: Staged, before: Unlike | None, after: Unlike, *, new: bool) -> Written:
    """Look through what is `unlike` after a write, by what was before it.

    With `new`, rows that were not there were inserted.  Rows without numbers are those of a
    table without triggers, of which fewer were written than given: none was altered.

    Returns:
        Only the rows to which triggers gave other values.

    Raises:
        RowsRefusedError: A row, or a change of one, was left out.  The rows are given by number;
            of rows without numbers, which ones is not said.
    """
    nothing = pc.and_not(after.absent, after.absent)
    if not staged.numbered:
        refused = pc.or_(pc.invert(after.absent), after.absent if new else nothing)
        if pc.any(refused).as_py():
            raise _refusal(app, staged, after, after.differs, refused)
        return Written()
    kept = dict.fromkeys(staged.changing, nothing)
    if before is not None:
        was = pc.index_in(after.numbers, value_set=before.numbers)
        for name in staged.changing:
            same = pc.invert(differ(before.values[name].take(was), after.values[name]))
            due = pc.fill_null(before.differs[name].take(was), fill_value=False)
            kept[name] = pc.and_not(pc.and_(pc.and_(after.differs[name], due), same), after.absent)
    refused = after.absent if new else nothing
    for mask in kept.values():
        refused = pc.or_(refused, mask)
    if pc.any(refused).as_py():
        raise _refusal(app, staged, after, kept, refused)
    texts = [pc.if_else(mask, changed_text([name]), "") for name, mask in after.differs.items()]
    if not texts:
        return Written()
    changed: Any = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "")
    some = pc.and_not(pc.not_equal(changed, ""), after.absent)
    altered = Altered(after.numbers.filter(some), changed.filter(some))
    return Written(altered=(altered,) if len(altered.numbers) else ())


def met(session: DatabaseSession, app: str, staged: Staged, count: int) -> RowsRefusedError:
    """The refusal of rows that are new to us, where `count` of them are there for the app."""
    table, names = staged.schema.name, staged.key
    keys = [staged.dialect.readable(staged.schema.columns[n], staged.target.c[n]) for n in names]
    both = [staged.source.c[name] for name in names] + keys
    columns = [column.label(f"k{place}") for place, column in enumerate(both)]
    found = _there(staged).with_only_columns(*columns)
    answer = [_flat(each).to_pylist() for each in session.arrays(found, short=True)]
    for row in zip(*answer, strict=True):
        ours, theirs = (tuple(map(str, part)) for part in (row[: len(names)], row[len(names) :]))
        if ours != theirs:
            return RowsRefusedError(
                app=app,
                table=table,
                reason=f"the app takes ({', '.join(ours)}) for its row ({', '.join(theirs)}): the "
                f"collation of {', '.join(names)} does not tell them apart",
                cure=f"give {', '.join(names)} in {app} a collation that does (a binary one), or "
                "one of the rows another key; then dualwrite errors retry",
            )
    return RowsRefusedError(app=app, table=table, reason=f"{count} of the rows are there already")


def insist_gone(session: DatabaseSession, app: str, staged: Staged) -> None:
    """Refuse a delete where a row is there still.

    Raises:
        RowsRefusedError: One is.
    """
    text = staged.statement(session, "there", lambda: _there(staged))
    numbers = _flat(session.arrays(text, short=True)[0])
    if len(numbers):
        reason = f"the app keeps the row: {_cause(staged)} left it there"
        raise _error(app, staged, dict.fromkeys(numbers.to_pylist(), reason))


def _there(staged: Staged) -> Any:
    """The staged rows that have a row of the table under their key, by number."""
    number = _number(staged).label("number")
    return sa.select(number).select_from(staged.source.join(staged.target, staged.matched()))


def _select(staged: Staged) -> Any:
    columns, dialect = staged.schema.columns, staged.dialect
    absent = staged.target.c[staged.key[0]].is_(None)
    wanted: list[Any] = [_number(staged).label("number"), absent.label("absent")]
    for place, name in enumerate(staged.changing):
        column, held = columns[name], staged.target.c[name]
        differs = dialect.differs(column, held, staged.source.c[name])
        wanted += [differs.label(f"d{place}"), dialect.readable(column, held).label(f"v{place}")]
    found = sa.or_(absent, staged.changed()) if staged.changing else absent
    source = staged.source.outerjoin(staged.target, staged.matched())
    return sa.select(*wanted).select_from(source).where(found)


def _refusal(
    app: str, staged: Staged, after: Unlike, kept: dict[str, Mask], refused: Mask
) -> RowsRefusedError:
    reasons = {}
    for place in pc.indices_nonzero(refused).to_pylist():
        names = [name for name, mask in kept.items() if mask[place].as_py()]
        gone = after.absent[place].as_py()
        reasons[after.numbers[place].as_py()] = _reason(staged, [] if gone else names)
    return _error(app, staged, reasons)


def _error(app: str, staged: Staged, reasons: dict[int, str]) -> RowsRefusedError:
    return RowsRefusedError(
        app=app,
        table=staged.schema.name,
        reason=next(iter(reasons.values())),
        rows=reasons if staged.numbered else None,
        cure=f"change the row, or what holds it in {app}, then dualwrite errors retry",
    )


def _number(staged: Staged) -> Any:
    return staged.source.c[NUMBER.name] if staged.numbered else sa.literal_column("0")


def _reason(staged: Staged, kept: Sequence[str]) -> str:
    """Why a row is not as it was written; of one that is not there, no columns are `kept`."""
    if not kept:
        return f"the app took no such row: {_cause(staged)} left it out"
    return f"the app took no change of {', '.join(kept)}: {_cause(staged)} left it as it was"


def _cause(staged: Staged) -> str:
    triggers = staged.schema.triggers
    if not triggers:
        return f"a trigger, rule or row security of {staged.schema.name}"
    return f"{' or '.join(triggers)} of {staged.schema.name}"


def _bytes(values: Any) -> Any:
    if pa.types.is_binary(values.type):
        return values
    return values.cast(pa.string()).cast(pa.binary())


def _flat(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
