"""Rows of one write that take each other's unique values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.errors import RowsRefusedError
from tests.apps.reading import paths
from tests.apps.workshops import Workshop
from tests.apps.writings import OURS

QUERY = Query("swapped", paths("id", "code", "name"), paths("id"))
CODES = {
    "text": ("varchar(10) NOT NULL", ["A", "B", "C", "D"]),
    "nullable": ("varchar(3)", ["A", "B", "C", "D"]),
    "number": ("int NOT NULL", [1, 2, 3, 4]),
}


def swapped(rows: list[tuple[int, object]]) -> pa.Table:
    ids, codes = zip(*rows, strict=True)
    kind = pa.string() if isinstance(codes[0], str) else pa.int64()
    return pa.table({"id": pa.array(ids, pa.int64()), "code": pa.array(codes, kind)})


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("inserting", [False, True])
def test_rows_may_take_each_others_unique_values(
    sql_shop: Workshop, code: str, inserting: bool
) -> None:
    native, (a, b, c, d) = CODES[code]
    sql_shop.execute(
        f"CREATE TABLE swapped (id bigint PRIMARY KEY, code {native}, name varchar(10), "
        "UNIQUE (code))"
    )
    app = sql_shop.open()
    app.write("swapped", swapped([(1, a), (2, b), (3, c), (4, d)]), key=["id"])
    with app.writing(OURS) as writing:
        write = writing.insert if inserting else writing.update
        done = write("swapped", swapped([(1, b), (2, c), (3, a), (4, d)]), key=["id"])
        assert done == Written(updated=3, unchanged=1)
        with pytest.raises(RowsRefusedError, match=r"(?i)uni|duplicate"):
            write("swapped", swapped([(1, a), (2, d)]), key=["id"])

    held = app.read(QUERY).sort_by("id")["code"].to_pylist()
    assert held == [b, c, a, d]
