"""What is wrong with one map stops that map: a column that is gone, an odd value."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from dualwrite.link import Side
from dualwrite.sync.batch.data_faults import UncomputableError
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.health.problems import problems
from dualwrite.tablemap.schema import UnknownPathError
from tests.sync.conftest import KINDS, WorldMaker
from tests.sync.tables import D, F
from tests.sync.world import World, cust

RENAMED = {F: ("Cust", "NAME"), D: ("customer", "name")}
CODES = ("code", "name")


def failing(monkeypatch: pytest.MonkeyPatch, name: str, fault: Exception) -> None:
    """Every batch of a map raises."""
    real = Pipeline._translate

    def translate(pipeline: Pipeline, batch: Any) -> Any:
        if batch.route.table_map.name == name:
            raise fault
        return real(pipeline, batch)

    monkeypatch.setattr(Pipeline, "_translate", translate)


def rename(world: World, side: Side, before: str, after: str) -> None:
    """Rename a column as an application's release does."""
    quote = "`{}`".format if world.kind == "mariadb" else '"{}"'.format
    table = quote(RENAMED[side][0])
    world.execute(side, f"ALTER TABLE {table} RENAME COLUMN {quote(before)} TO {quote(after)}")
    for app in world.session.apps.values():
        app.refresh()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_mapped_column_that_was_renamed_is_the_fault_of_its_map_alone(
    new_world: WorldMaker, kind: str, side: Side
) -> None:
    world, column = new_world(kind), RENAMED[side][1]
    world.put(F, "Cust", cust("C1", "one"))
    world.run()

    rename(world, side, column, "other_name")
    world.put(F, "Company", {"CODE": "DEMF", "NAME": "sound"})
    counted = world.cycle()
    record = next(e for e in world.session.journal.maps.all() if e.name == "customers")
    with pytest.raises(UnknownPathError) as told:
        problems(world.session, record)
    assert dict(world.rows(D, "company", *CODES))["DEMF"] == "sound"
    assert list(counted) == ["companies"]
    assert world.notes == {"customers": str(told.value)}
    assert str(told.value) == (
        f"column {column} of a map leads nowhere: {RENAMED[side][0]} has no column {column}. "
        "Nothing was written.\n  Bring the column back under that name, or correct the map "
        "(dualwrite maps check); until then its changes stay queued."
    )

    rename(world, side, "other_name", column)
    world.put(F, "Cust", cust("C2", "two"))
    world.cycle_until_done()
    assert world.unexplained() == {}


@pytest.mark.parametrize(
    "fault",
    [OverflowError("9"), pa.ArrowInvalid("S3CRET"), ValueError("S3CRET"), ZeroDivisionError()],
)
def test_a_value_that_cannot_be_computed_with_stops_its_map_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    world.put(F, "Cust", cust("C1", "one"))
    world.run()
    failing(monkeypatch, "companies", fault)

    world.put(F, "Company", {"CODE": "DEMF", "NAME": "odd"})
    world.put(F, "Cust", cust("C2", "two"))
    world.cycle()

    assert ("C2",) in world.rows(D, "customer", "accountnumber")
    assert list(world.notes) == ["companies"]
    assert world.notes["companies"].startswith(
        f"companies: a value could not be computed with ({type(fault).__name__} in "
    )
    assert "S3CRET" not in world.notes["companies"]
    monkeypatch.undo()
    world.cycle_until_done()
    assert world.unexplained() == {}


def test_an_initial_sync_names_the_map_of_such_a_value(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "companies", pa.ArrowInvalid("S3CRET"))

    with pytest.raises(UncomputableError, match=r"^companies: a value could not") as raised:
        world.run("companies")

    assert "S3CRET" not in str(raised.value)


def test_a_crash_of_another_kind_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()
    failing(monkeypatch, "companies", RuntimeError("killed"))
    world.put(F, "Company", {"CODE": "DEMF", "NAME": "odd"})

    with pytest.raises(RuntimeError, match="killed"):
        world.cycle()
