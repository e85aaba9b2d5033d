"""Queries and commands differ by name and by type, and every face shows the same result."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from dualwrite.link import Side
from dualwrite.operations import commands, queries
from dualwrite.operations.commands import activate, conflicts, mapstate, repair, run, sync
from dualwrite.operations.commands import capture as capture_commands
from dualwrite.operations.commands import decimals as decimal_commands
from dualwrite.operations.commands import errors as error_commands
from dualwrite.operations.commands import init as init_commands
from dualwrite.operations.commands import live as live_commands
from dualwrite.operations.queries import (
    activity,
    decimals,
    errors,
    health,
    mapcheck,
    maps,
    plan,
    queue,
    reconcile,
    rows,
    status,
)
from dualwrite.operations.queries import conflicts as conflict_queries
from dualwrite.operations.results import CommandResult, QueryResult, Result
from dualwrite.operations.session import Session, open_session
from dualwrite.sandbox.project import create_sandbox
from tests.cli.conftest import Call, as_json, change, rows_of
from tests.operations.conftest import contents

Ask = Callable[[Path], Result]
QUERIES: dict[str, Ask] = {
    "status": status.status,
    "activity": lambda p: _opened(p, activity.activity),
    "errors": lambda p: _opened(p, errors.held_rows),
    "errors --rule length": lambda p: _opened(p, errors.held_rows, rule="length"),
    "conflicts": lambda p: _opened(p, conflict_queries.conflicts),
    "conflicts --all": lambda p: _opened(p, conflict_queries.conflicts, decided=True),
    "conflicts show 1": lambda p: _opened(p, conflict_queries.conflict_versions, 1),
    "maps": maps.list_maps,
    "maps show groups": lambda p: maps.show_map(p, "groups"),
    "maps check": mapcheck.check_maps,
    "check": health.check_health,
    "queue groups": lambda p: _opened(p, queue.look_into_queues, "groups"),
    "reconcile groups": lambda p: _opened(p, reconcile.reconcile, "groups"),
    "decimals widen --dry-run": lambda p: _opened(p, decimals.decimals_to_widen),
    "decimals undo --dry-run": lambda p: _opened(p, decimals.decimals_to_undo),
    "run groups --dry-run": lambda p: _opened(p, plan.dry_run, ["groups"]),
    "run groups --dry-run --initial-sync": lambda p: _opened(
        p, plan.dry_run, ["groups"], initial_sync=True
    ),
}
"""Command lines, and the query that each of them asks."""


def _opened(project: Path, ask: Callable[..., Result], *words: Any, **options: Any) -> Result:
    with open_session(project) as session:
        return ask(session, *words, **options)


@pytest.fixture
def busy(project: Path, call: Call) -> Path:
    """A project in which a map runs, a row is held, a conflict is open and a change waits."""
    own = project / "maps" / "groups.yaml"
    own.write_text(own.read_text() + "conflicts: {policy: ask}\n", encoding="utf-8")
    assert call("run", "groups", "--project", project).code == 0
    for file, table, column, key in (
        ("finops.db", "CustGroup", "DESCRIPTION", "GROUPID"),
        ("dataverse.db", "msdyn_group", "msdyn_description", "msdyn_groupid"),
    ):
        change(project / file, f"UPDATE {table} SET {column} = '{file[:4]}' WHERE {key} = '10'")
    call("sync", "--project", project)
    change(project / "finops.db", "INSERT INTO CustGroup VALUES ('50', 'New')")
    return project


@pytest.mark.parametrize("words", QUERIES)
def test_a_query_says_what_the_command_line_does(call: Call, busy: Path, words: str) -> None:
    shown = as_json(call, *words.split(), "--project", busy)

    result = QUERIES[words](busy)

    assert isinstance(result, QueryResult)
    assert _timeless(_plain(result)) == _timeless(shown)


def test_queries_change_neither_the_apps_nor_the_journal(busy: Path) -> None:
    before = contents(busy)

    for ask in QUERIES.values():
        ask(busy)
    with open_session(busy) as session:
        errors.held_causes(session)
        plan.plan_run(session, ["groups"])
        errors.export_held_rows(session, busy / "held.csv")
        queue.export_queue(session, "groups", Side.FINOPS, busy / "queue.csv")

    assert contents(busy) == before


COMMANDS: dict[str, Ask] = {
    "sync": lambda p: _opened(p, sync.sync),
    "live --for 0": lambda p: _opened(p, lambda s: live_commands.live(lambda: s, seconds=0)),
    "pause groups": lambda p: _opened(p, mapstate.pause, ["groups"]),
    "resume groups": lambda p: _opened(p, mapstate.resume, ["groups"]),
    "stop groups": lambda p: _opened(p, mapstate.stop, ["groups"]),
    "run groups --initial-sync": lambda p: _opened(p, run.run, ["groups"], initial_sync=True),
    "errors retry --all": lambda p: _opened(p, error_commands.retry),
    "errors discard 1": lambda p: _opened(p, error_commands.discard, [1]),
    "conflicts resolve 1 --take finops": lambda p: _opened(p, conflicts.resolve, [1], Side.FINOPS),
    "check --repair": capture_commands.repair_capture,
    "decimals widen --yes": lambda p: _opened(p, decimal_commands.widen_decimals),
    "decimals undo --yes": lambda p: _opened(p, decimal_commands.undo_decimals),
}
"""Command lines, and the command that each of them calls."""


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_says_what_the_command_line_does(
    call: Call, busy: Path, words: str, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "box"
    shutil.copytree(busy, other)

    result = COMMANDS[words](other)
    done = call(*words.split(), "--project", busy, "--json")

    assert isinstance(result, CommandResult)
    shown = json.loads(done.out)
    assert _timeless(_plain(result), other) == _timeless(shown, busy)
    assert rows_of(other / "dataverse.db", "msdyn_group") == rows_of(
        busy / "dataverse.db", "msdyn_group"
    )


def test_a_repair_says_what_the_command_line_does(
    call: Call, project: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "box"
    shutil.copytree(project, other)
    words = ("reconcile", "groups", "--repair", "--master", "finops")

    result = _opened(other, repair.repair, "groups", Side.FINOPS)

    assert _plain(result) == as_json(call, *words, "--project", project)
    assert rows_of(other / "dataverse.db", "msdyn_group") == rows_of(
        project / "dataverse.db", "msdyn_group"
    )


@pytest.mark.parametrize(
    ("words", "export"),
    [
        ("errors", errors.export_held_rows),
        (
            "queue groups --side finops",
            lambda session, file: queue.export_queue(session, "groups", Side.FINOPS, file),
        ),
    ],
    ids=["errors", "queue"],
)
def test_an_export_says_what_the_command_line_does(
    call: Call, busy: Path, words: str, export: Callable[[Session, Path], Result]
) -> None:
    shown = as_json(call, *words.split(), "--csv", busy / "a.csv", "--project", busy)
    with open_session(busy) as session:
        result = export(session, busy / "b.csv")

    assert _plain(result) == {**shown, "file": str(busy / "b.csv")}
    assert (busy / "a.csv").read_bytes() == (busy / "b.csv").read_bytes()


def test_a_queue_of_a_map_that_does_not_run_is_not_exported(project: Path) -> None:
    file = project / "queue.csv"

    with open_session(project) as session, pytest.raises(queue.NoQueueError) as refused:
        queue.export_queue(session, "groups", Side.FINOPS, file)

    assert str(refused.value) == (
        "groups: it has no queue in finops, because it does not run. No file was written.\n"
        "  Start it with: dualwrite run groups"
    )
    assert not file.exists()


def test_dated_rows_say_what_the_command_line_does(call: Call, dated: Path) -> None:
    shown = as_json(call, "rows", "prices", "--all", "--limit", "2", "--project", dated)

    result = _opened(dated, rows.rows, "prices", Side.FINOPS, None, limit=2)

    assert isinstance(result, QueryResult)
    assert _plain(result) == shown


def test_a_sandbox_says_what_the_command_line_does(call: Call, tmp_path: Path) -> None:
    made = create_sandbox(tmp_path / "one" / "box", rows=50)
    shown = as_json(call, "sandbox", "create", tmp_path / "two" / "box", "--rows", "50")

    assert isinstance(made, CommandResult)
    assert _timeless(_plain(made), tmp_path / "one") == _timeless(shown, tmp_path / "two")


def test_a_new_project_says_what_the_command_line_does(call: Call, tmp_path: Path) -> None:
    urls = {side: f"${{{side.name}_URL}}" for side in Side}

    made = init_commands.init_project(tmp_path / "x", urls=urls)
    shown = as_json(call, "init", tmp_path / "y")

    assert _timeless(_plain(made), tmp_path / "x") == _timeless(shown, tmp_path / "y")
    assert (tmp_path / "x" / "dualwrite.toml").read_text() == (
        (tmp_path / "y" / "dualwrite.toml").read_text().replace('name = "y"', 'name = "x"')
    )


def test_without_dated_maps_there_is_nothing_to_activate(busy: Path) -> None:
    assert _plain(_opened(busy, activate.activate)) == {"maps": []}


def _operations(package: ModuleType) -> Iterator[tuple[str, type]]:
    """The public functions of a package's modules that return a result."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        found = importlib.import_module(module.name)
        for name, function in inspect.getmembers(found, inspect.isfunction):
            if function.__module__ != module.name or name.startswith("_"):
                continue
            hints = get_type_hints(function, localns={"Session": Session})
            returned = hints.get("return")
            if inspect.isclass(returned) and issubclass(returned, Result):
                yield f"{module.name}.{name}", returned


@pytest.mark.parametrize(
    ("package", "kind", "other"),
    [(queries, QueryResult, CommandResult), (commands, CommandResult, QueryResult)],
    ids=["queries", "commands"],
)
def test_the_type_of_a_result_says_whether_something_was_changed(
    package: ModuleType, kind: type, other: type
) -> None:
    found = dict(_operations(package))

    assert len(found) >= 14
    assert {name for name, result in found.items() if not issubclass(result, kind)} == set()
    assert {name for name, result in found.items() if issubclass(result, other)} == set()


def _plain(result: Result) -> Any:
    """A result as it is after JSON."""
    return json.loads(json.dumps(result.as_dict()))


def _timeless(shown: Any, project: Path | None = None) -> Any:
    """The same without durations and moments, which differ from call to call."""
    if isinstance(shown, dict):
        return {k: _timeless(v, project) for k, v in shown.items() if k not in _MOMENTS}
    if isinstance(shown, list):
        return [_timeless(each, project) for each in shown]
    if isinstance(shown, str) and project is not None:
        return shown.replace(str(project), "PROJECT")
    return shown


_MOMENTS = ("seconds", "at", "closed_at", "last_cycle_at", "lag")
