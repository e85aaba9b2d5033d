"""Laws of the ranges: together they hold every row once, whatever the rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.reading import asking
from tests.apps.workshops import Workshop, number, table, text

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=4)
rows = st.dictionaries(st.integers(-50, 50), st.none() | words, max_size=30)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(rows=rows, size=st.integers(1, 9), together=st.booleans())
def test_every_row_lies_in_one_range(
    kind: str, rows: dict[int, str | None], size: int, together: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "app.db")
        file.touch()
        shop = Workshop(kind, f"sqlite:///{file}")
        shop.create(table("t", number("id", nullable=False), text("entity"), key=("id",)))
        app = shop.open()
        keys = pa.array(list(rows), pa.int64())
        app.write(
            "t",
            pa.table({"id": keys, "entity": pa.array(list(rows.values()), pa.string())}),
            key=["id"],
        )
        query = asking("t", "id", "entity")

        parts = app.partitions(query, size=size, together=["entity"] if together else [])

        found = [app.read(query, within=part).to_pylist() for part in parts]
        shop.close()
    assert sorted(row["id"] for part in found for row in part) == sorted(rows)
    if together:
        entities = [{row["entity"] for row in part} for part in found]
        assert all(not (a & b) for i, a in enumerate(entities) for b in entities[i + 1 :])
