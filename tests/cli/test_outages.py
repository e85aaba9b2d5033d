"""An app or a journal that is away: `sync` and `live` name it once, however many maps wait."""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from dualwrite.operations.counts import MapCounts
from dualwrite.operations.results import timestamp
from dualwrite.sync.cycle import outages
from tests.cli.conftest import GROUPS, Call, as_json, journal_of

NOWHERE = "postgresql://erp:hush@127.0.0.1:9/crm"
REFUSED = re.compile(r"\(connection .*?refused.*?\)", re.DOTALL | re.IGNORECASE)


@pytest.fixture
def away(call: Call, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two maps run; then the Dataverse side is away."""
    monkeypatch.setattr(outages, "BACK_OFF", (0.05, 0.2))
    again = GROUPS.replace("map: groups", "map: again")
    (project / "maps" / "again.yaml").write_text(again, encoding="utf-8")
    assert call("run", "groups", "again", "--project", project).code == 0
    config = project / "dualwrite.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("sqlite:///dataverse.db", NOWHERE), encoding="utf-8")
    return project


def plain(text: str) -> str:
    """Without the time, and the words of the driver."""
    return REFUSED.sub("(refused)", re.sub(r"\d\d:\d\d:\d\d", "TIME", text))


def test_sync_names_an_app_that_is_away_once(call: Call, away: Path) -> None:
    done = call("sync", "--project", away)

    assert done.code == 1
    assert " ".join(plain(done.out).split()) == (
        "dataverse: no answer (refused). Nothing half-written was kept. "
        "Check that the server runs and that [apps.dataverse] url is right, then repeat the "
        "command: it continues where it stopped. "
        "2 maps wait for dataverse; their changes stay queued. "
        "2 maps; 0 rows read, 0 written, 0 equal, 0 held. 2 maps wait."
    )


def test_a_script_gets_a_note_for_each_map(call: Call, away: Path) -> None:
    maps = as_json(call, "sync", "--project", away, code=1)["maps"]

    assert [each["map"] for each in maps] == ["again", "groups"]
    assert {each["note"].startswith("dataverse: no answer (") for each in maps} == {True}


def test_live_waits_for_an_app_that_is_away_at_its_start(call: Call, away: Path) -> None:
    done = call("live", "--for", "0.5", "--project", away)

    assert done.code == 0
    assert plain(done.err) == (
        "Live. Ctrl-C stops it; what is not across yet stays in the queues.\n"
        "dataverse does not answer since TIME (refused). 2 maps wait for it: changes stay queued "
        "in the apps.\n"
        "  Live goes on by itself as soon as it answers; Ctrl-C stops it.\n"
    )
    assert done.out.count("no answer") == 1
    with journal_of(away) as journal:
        assert {str(each.waits)[:21] for each in journal.maps.all()} == {"dataverse: no answer "}


def test_live_waits_for_a_journal_that_is_away_at_its_start(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "BACK_OFF", (0.05, 0.2))
    config = project / "dualwrite.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("sqlite:///.dualwrite/journal.db", NOWHERE), encoding="utf-8")

    done = call("live", "--for", "0.5", "--project", project)

    assert (done.code, done.out) == (0, "Nothing changed on either side.\n")
    assert plain(done.err).startswith(
        "journal does not answer since TIME (refused). All maps wait for it: changes stay queued "
    )
    assert done.err.count("does not answer") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_live_that_waits_ends_when_it_is_asked_to(
    call: Call, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "BACK_OFF", (3600.0, 3600.0))
    asked = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    asked.start()

    done = call("live", "--project", away)

    asked.join()
    assert done.code == 0


def test_a_reason_that_several_maps_share_is_printed_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from dualwrite.cli.sync import _Shown
    from dualwrite.link import AppNames

    shown = _Shown(AppNames(), quiet=False)
    waiting = [MapCounts(name, note="finops: the disk is full.") for name in ("m", "n")]
    shown.report(waiting)
    shown.report(waiting)
    shown.report(waiting[:1])
    shown.report([])

    assert capsys.readouterr().err == (
        "m, n wait: finops: the disk is full.\nn goes on.\nm goes on.\n"
    )


def test_status_says_since_when_an_app_does_not_answer(call: Call, away: Path) -> None:
    """Once, however many maps wait, and since it was first noticed."""
    before = call("status", "--project", away).out
    call("sync", "--project", away)
    with journal_of(away) as journal:
        first = journal.maps.all()[0].waits_since
        journal.maps.set_waits("again", "dataverse: no answer (another reason). Nothing lost.")

    after = call("status", "--project", away).out
    [again, _] = as_json(call, "status", "--project", away)["maps"]

    assert "\ndataverse: no answer.\n" in before
    assert first is not None
    told = " ".join(REFUSED.sub("(refused)", after).split())
    assert f"dataverse: no answer since {first:%H:%M} (" in told
    assert "2 maps wait for it." in told
    assert "again waits" not in told
    assert again["waits_since"] == timestamp(first)


def test_a_map_that_goes_on_does_not_wait_since_then(project: Path) -> None:
    with journal_of(project) as journal:
        journal.maps.set_waits("groups", "busy")
        journal.maps.set_waits("groups", None)
        assert [each.waits_since for each in journal.maps.all()] == [None]
        journal.maps.set_waits("groups", "busy again")
        [again] = journal.maps.all()
        [line, *_] = journal.activity.newest("groups", 1)

    assert again.waits_since == line.at
