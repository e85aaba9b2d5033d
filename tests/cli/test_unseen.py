"""A capture that does not see every change any more is said as soon as it is known."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dualwrite.link import Side
from dualwrite.operations.commands import live as live_commands
from dualwrite.operations.commands.live import _Cautions
from dualwrite.sync.capture import noticing
from dualwrite.sync.capture.noticing import CaptureWatch
from tests.cli.conftest import Call, as_json, change, journal_of

LOST = "finops.CustGroup: trigger {} is missing: its changes are not queued"


def lose_a_trigger(project: Path) -> str:
    """Drop the trigger of inserts in the ERP; its name."""
    file = project / "finops.db"
    with sqlite3.connect(file) as erp:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_i'"
        [(name,)] = erp.execute(query).fetchall()
    erp.close()
    change(file, f'DROP TRIGGER "{name}"')
    return str(name)


def test_sync_notices_a_lost_trigger_and_status_shows_it(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    name = lose_a_trigger(project)

    done = call("sync", "--project", project)

    line = LOST.format(name)
    told = f"groups, not every change is seen: {line}. dualwrite check groups"
    assert " ".join(done.err.split()) == told
    assert told in " ".join(call("status", "--project", project).out.split())
    assert as_json(call, "status", "--project", project)["maps"][0]["unseen"] == [line]
    assert f"not every change is seen: {line}" in " ".join(
        word for word in call("activity", "--project", project).out.split() if word
    )
    call("check", "--repair", "--project", project)
    assert call("sync", "--project", project).err == ""
    assert as_json(call, "status", "--project", project)["maps"][0]["unseen"] == []


def test_live_says_it_once(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    name = lose_a_trigger(project)

    done = call("live", "--for", "2.5", "--project", project)

    assert " ".join(done.err.split()).count(LOST.format(name)) == 1
    with journal_of(project) as journal:
        assert [line for each in journal.maps.all() for line in each.unseen] == [LOST.format(name)]


def test_what_is_still_so_is_told_again_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, told, now = ["a"], [], [0.0]
    monkeypatch.setattr(live_commands, "unseen", lambda *_: list(lines))
    monkeypatch.setattr(live_commands.time, "monotonic", lambda: now[0])
    session: Any = object()
    cautions = _Cautions(None, lambda due: told.append((now[0], *due)), session)

    for at in (0.0, 1.0, 20.0, 3589.0, 3600.0, 3605.0):
        if at >= 20.0:
            lines[:] = ["a", "b"]
        now[0] = at
        cautions.look()

    assert told == [(0.0, "a"), (20.0, "b"), (3600.0, "a")]
    lines.remove("b")
    now[0] = 4000.0
    cautions.look()
    lines.append("b")
    now[0] = 4020.0
    cautions.look()
    assert told[-1] == (4020.0, "b")  # it was over, and is news again


class Asked:
    """An app that counts how often it is asked for what is wrong."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def problems(self, capture: Any, *, fresh: bool = True) -> list[str]:
        assert not fresh
        self.asked.append(capture.table)
        return []


def test_each_map_has_its_turn_once_a_minute(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(noticing.time, "monotonic", lambda: now[0])
    app = Asked()

    class Capture:
        def __init__(self, table: str) -> None:
            self.table = table

    with journal_of(project) as journal:
        session: Any = type("S", (), {"journal": journal, "apps": {Side.FINOPS: app}})()
        watch = CaptureWatch(session)
        captures: Any = {name: {Side.FINOPS: Capture(name)} for name in ("a", "b", "c")}
        for second in range(6):
            now[0] = float(second)
            watch.look(captures, at_once=1)
        assert app.asked == ["a", "b", "c"]
        for second in (59.0, 60.0, 60.5, 61.0):
            now[0] = second
            watch.look(captures, at_once=1)
        assert app.asked == ["a", "b", "c", "a", "b"]
        now[0] = 200.0
        watch.look(captures)
    assert app.asked[5:] == ["c", "a", "b"]
