"""Every column type against every other, written there and back on real databases.

What the check does not refuse is carried exactly, or held by a rule: a value that passes the gate
is what the target gives back, and where the column also flows back, what the source had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.query import Query
from dualwrite.errors import DualWriteError
from dualwrite.link import Side
from dualwrite.rules import Readable, derive, judge
from dualwrite.tablemap.checks.types import verdicts
from dualwrite.tablemap.schema import Column
from dualwrite.translate.compare import differs
from dualwrite.translate.flow import Flow
from dualwrite.translate.rows import comparable, fit, translate
from tests.apps.reading import paths
from tests.apps.workshops import Workshop
from tests.matrix.types import EVERY
from tests.translate.maps import one_column

PAIRS = [(here, there) for here in EVERY for there in EVERY]


@dataclass(frozen=True)
class Typed:
    """The values of one type as their app reads them."""

    native: str
    column: Column
    rows: pa.Table


def filled(shop: Workshop) -> tuple[App, list[Typed]]:
    """A table for each type, with its values and a null."""
    mode = ("SET sql_mode = ''",) if shop.kind == "mariadb" else ()
    for number, (native, values) in enumerate(EVERY[shop.kind].items()):
        null = " NULL" if native.startswith("timestamp") else ""
        inserts = [
            f"INSERT INTO s{number} VALUES ({place}, {value})"
            for place, value in enumerate((*values, "NULL"), 1)
        ]
        shop.execute(
            *mode, f"CREATE TABLE s{number} (k bigint PRIMARY KEY, v {native}{null})", *inserts
        )
    app = shop.open()
    found = []
    for number, native in enumerate(EVERY[shop.kind]):
        rows = app.read(Query(f"s{number}", paths("k", "v"), paths("k"))).sort_by("k")
        found.append(Typed(native, app.schema(f"s{number}").columns["v"], rows))
    return app, found


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("here", "there"), PAIRS, ids=lambda each: each)
def test_every_type_into_every_other(
    here: str, there: str, shops: Callable[[str], Workshop]
) -> None:
    _, sources = filled(shops(here))
    target = shops(there)
    columns = ", ".join(
        f"c{number} {native}" + (" NULL" if native.startswith("timestamp") else "")
        for number, native in enumerate(EVERY[there])
    )
    target.execute(f"CREATE TABLE w (k bigint PRIMARY KEY, {columns})")
    app = target.open()
    described = app.schema("w").columns
    faults = []
    for number, source in enumerate(sources):
        keys = pa.array([number * 1000 + each for each in source.rows["k"].to_pylist()])
        trials = [
            tried(source, described[f"c{place}"], keys)
            for place in range(len(EVERY[there]))
            if is_judged(source.column, described[f"c{place}"])
        ]
        found = list(carried(app, [trial for trial in trials if len(trial.keys)]))
        faults += [f"{source.native} into {fault}" for fault in found]
    assert not faults, "\n".join(faults)


def is_judged(source: Column, target: Column) -> bool:
    """Whether we say what becomes of the values: the check does not refuse the pair, and it is not
    the database that reads texts in its own way."""
    refused = any(severity == "error" for severity, _ in verdicts(source, target))
    return not refused and (not target.parsed or source.native == target.native)


@dataclass(frozen=True)
class Trial:
    """The values of one type that pass the gate into a column of another."""

    source: Typed
    column: Column
    out: Flow
    keys: pa.Array
    rows: pa.Table
    sound: pa.Table

    @property
    def fitted(self) -> pa.Table:
        values = fit(self.sound.select([self.column.name]), self.out)[self.column.name]
        return pa.table({"k": self.keys, self.column.name: values})


def tried(source: Typed, column: Column, keys: pa.Array) -> Trial:
    """Translate and judge the values of one type."""
    out = one_column("=", finops=replace(source.column, name="F"), dataverse=column)
    names = ["F" if name == "v" else name for name in source.rows.column_names if name != "k"]
    rows = source.rows.drop_columns("k").rename_columns(names)
    gate = translate(rows, out)
    passed = judge(gate, [Readable(), *derive(out.facts())]).passed
    return Trial(source, column, out, keys.filter(passed), rows.filter(passed), gate.filter(passed))


def carried(app: App, trials: list[Trial]) -> Iterator[str]:
    """Write what passed, all types in one row, read it back, and tell what is unlike."""
    rows = pa.table({"k": pa.chunked_array([], pa.int64())})
    for trial in trials:
        rows = rows.join(trial.fitted, "k", join_type="full outer")
    try:
        app.write("w", rows, key=["k"])
    except DualWriteError:
        for trial in trials:
            try:
                app.write("w", trial.fitted, key=["k"])
            except DualWriteError as error:
                yield f"{trial.column.native}: refused: {' '.join(str(error).split())[:160]}"
    for trial in trials:
        name = trial.column.name
        query = Query("w", paths("k", name), paths("k"))
        held = app.fetch(query, trial.fitted.select(["k"])).sort_by("k")
        if len(held) == len(trial.keys):
            there = comparable(held, trial.out)[name]
            yield from _unlike(trial, "is there", trial.sound[name], there)
            yield from _back(trial, held)


def _back(trial: Trial, held: pa.Table) -> Iterator[str]:
    source, column = trial.source.column, trial.column
    if any(severity == "error" for severity, _ in verdicts(column, source)):
        return
    if pa.types.is_string(source.type) and not pa.types.is_string(column.type):
        return  # the value is carried, not its spelling: 007 is 7
    back = one_column(
        "=", finops=replace(source, name="F"), dataverse=column, source=Side.DATAVERSE
    )
    again = translate(held, back)
    passed = judge(again, [Readable(), *derive(back.facts())]).passed
    own = comparable(trial.rows, back)["F"].filter(passed)
    yield from _unlike(trial, "comes back", own, again["F"].filter(passed))


def _unlike(
    trial: Trial, what: str, wanted: pa.ChunkedArray, found: pa.ChunkedArray
) -> Iterator[str]:
    unlike = differs(wanted, found)
    for place in pc.indices_nonzero(unlike).to_pylist()[:2]:
        yield f"{trial.column.native}: {_short(wanted[place])} {what} as {_short(found[place])}"


def _short(value: pa.Scalar) -> str:
    return repr(value.as_py())[:60]


def test_every_database_has_its_types() -> None:
    counts: Mapping[str, int] = {kind: len(types) for kind, types in EVERY.items()}

    assert counts == {"sqlite": 13, "postgresql": 39, "mariadb": 40}
