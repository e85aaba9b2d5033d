"""What people do in the sample systems: they change rows, and know nothing of dualwrite.

With it come maps that are not standard ones, to be copied into a project (`examples/`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.operations.session import Session
from dualwrite.tablemap.notation import ColumnPath

EXAMPLES = Path(__file__).parent / "examples"
IN_PIECES = "product-number-identified-barcode--msdyn-productbarcodes"
TODAY = "current-addresses"
ADDRESSES = "LogisticsPostalAddressHistoryV2CDSEntity"
_DESCRIBED = ("LOCATIONID", "VALIDFROM", "VALIDTO", "STREET", "CITY")
_END = pa.scalar(datetime(2154, 12, 31, 23, 59, 59, tzinfo=UTC), pa.timestamp("us", "UTC"))


def add_examples(project: Path) -> None:
    """Copy the example maps into a project; those that it has are left as they are."""
    for file in sorted(EXAMPLES.glob("*.yaml")):
        there = project / "maps" / file.name
        if not there.exists():
            shutil.copyfile(file, there)


def change(session: Session, side: Side, map_name: str, key: Sequence[str], **values: str) -> None:
    """Change one row of a map's table, named by its integration key on that side."""
    end = session.map(map_name).end(side)
    schema = session.schema(side, end.table)
    own = tuple(ColumnPath((name,)) for name in schema.primary_key)
    query = Query(end.table, tuple(dict.fromkeys((*own, *end.key))), end.key, lookups=end.lookups)
    named = {str(path): [text] for path, text in zip(end.key, key, strict=True)}
    row = session.apps[side].fetch(query, pa.table(named)).select(list(schema.primary_key))
    for name, text in values.items():
        row = row.append_column(name, pa.array([text]).cast(schema.columns[name].type))
    if end.modified is not None:
        name = end.modified.column
        now = pa.array([datetime.now(UTC)]).cast(schema.columns[name].type)
        row = row.append_column(name, now)
    session.apps[side].update(end.table, row, key=list(schema.primary_key))


def add(session: Session, side: Side, table: str, **columns: Sequence[Any]) -> None:
    """Add rows to a table, each column as texts or as values."""
    schema = session.schema(side, table)
    arrays = {
        name: pa.array(list(values)).cast(schema.columns[name].type)
        for name, values in columns.items()
    }
    session.apps[side].write(table, pa.table(arrays), key=list(schema.primary_key))


def move_house(session: Session, on: datetime, street: str) -> str:
    """Give a location of the ERP another street from a day on, and return the location.

    The row that is valid until then ends a second before, as the ERP itself does it.
    """
    app, schema = session.apps[Side.FINOPS], session.schema(Side.FINOPS, ADDRESSES)
    rows = app.read(Query(ADDRESSES, tuple(ColumnPath((name,)) for name in _DESCRIBED)))
    counted = pc.value_counts(rows["LOCATIONID"].combine_chunks())
    alone = counted.field(0).filter(pc.equal(counted.field(1), 1))
    valid = pc.and_(
        pc.is_in(rows["LOCATIONID"], value_set=alone),
        pc.and_(
            pc.less(rows["VALIDFROM"].cast(_END.type), pa.scalar(datetime.now(UTC), _END.type)),
            pc.equal(rows["VALIDTO"].cast(_END.type), _END),
        ),
    )
    row = rows.filter(valid).sort_by("LOCATIONID").slice(0, 1)
    first = pa.scalar(on, _END.type)
    before = pa.scalar(datetime.fromtimestamp(on.timestamp() - 1, UTC), _END.type)
    ended = _with(row, schema, VALIDTO=before)
    begun = _with(row, schema, VALIDFROM=first, STREET=pa.scalar(street))
    app.write(ADDRESSES, pa.concat_tables([ended, begun]), key=list(schema.primary_key))
    return str(row["LOCATIONID"][0].as_py())


def _with(row: pa.Table, schema: Any, **values: Any) -> pa.Table:
    for name, value in values.items():
        array = pa.array([value.as_py()], value.type).cast(schema.columns[name].type)
        row = row.set_column(row.column_names.index(name), name, array)
    return row
