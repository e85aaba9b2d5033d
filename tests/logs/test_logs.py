"""Log lines: quiet unless asked, one line an event as text or JSON, never a password."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys

import pytest

from dualwrite import logs
from dualwrite.errors import AppUnreachableError, PermanentError, RowsRefusedError
from dualwrite.logs import BATCH, EVENTS, LEASE_LOST, Counted, Event, add_handler, reason_of
from tests.docs.pages import ROOT

pytestmark = pytest.mark.usefixtures("engine_loggers")

SOURCES = {
    path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "dualwrite").rglob("*.py"))
}


@pytest.fixture
def written():
    """Log lines of a form; the last call's stream."""
    handlers = []

    def start(form, level="info"):
        stream = io.StringIO()
        handlers.append(add_handler(form, level, stream))
        return stream

    yield start
    for handler in handlers:
        logs.remove_handler(handler)


def test_a_program_that_asks_for_nothing_sees_nothing():
    code = (
        "from dualwrite.logs import LEASE_LOST, GUARD_RESTORED\n"
        "LEASE_LOST.log(map='m', epoch=1)\n"
        "GUARD_RESTORED.log(map='m', app='finops')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("", "")


def test_a_line_as_text(written):
    stream = written("text")

    LEASE_LOST.log(map="customers", epoch=7)

    assert re.sub(r"^\S+", "AT", stream.getvalue()) == (
        "AT ERROR lease.lost customers: the lease of epoch 7 expired and another worker took it\n"
    )
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", stream.getvalue())


def test_a_line_as_json(written):
    stream = written("json")

    LEASE_LOST.log(map="customers", epoch=7)

    document = json.loads(stream.getvalue())
    assert document.pop("at").endswith("Z")
    assert document == {
        "level": "error",
        "logger": "dualwrite.lease",
        "event": "lease.lost",
        "message": "customers: the lease of epoch 7 expired and another worker took it",
        "map": "customers",
        "epoch": 7,
    }


def test_numbers_by_name_read_well_and_stay_numbers(written):
    counted = Counted({"written": 1200, "rejected": 0, "locked": 1})

    assert str(counted) == "1,200 written, 1 locked"
    assert str(Counted({"written": 0})) == "none"
    assert json.loads(json.dumps(counted)) == {"written": 1200, "rejected": 0, "locked": 1}


def test_levels_below_the_one_asked_for_are_left_out(written):
    stream = written("text", "warning")

    logs.LEASE_TAKEN.log(map="m", epoch=1, holder="sync")
    logs.MAP_STATUS.log(map="m", before="running", status="paused", reason="paused")
    logs.LEASE_RENEWAL_FAILED.log(map="m", epoch=1, error="E", reason="away")

    assert [line.split()[2] for line in stream.getvalue().splitlines()] == ["lease.renewal_failed"]


def test_lines_of_any_other_logger_of_ours_are_written_too(written):
    text, document = written("text"), written("json")

    try:
        int("postgresql://erp:hush@host/db")
    except ValueError:
        logging.getLogger("dualwrite.flows").exception("it failed at %s", "x://u:hush@h")

    assert " ERROR dualwrite.flows it failed at x://u:***@h\nTraceback" in text.getvalue()
    assert json.loads(document.getvalue())["event"] is None
    assert "hush" not in text.getvalue() + document.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_holds_a_password(written, form):
    stream = written(form)
    url = "postgresql://erp:hu;sh@host/db?password=hush2"

    logs.MAP_WAITS.log(map="m", error="E", reason=f"no answer from {url}", stuck=False)

    assert "***" in stream.getvalue()
    assert not re.search("hu;sh|hush2", stream.getvalue())


def test_a_handler_of_another_program_gets_the_fields_without_passwords(caplog):
    caplog.set_level(logging.INFO, logger="dualwrite")

    logs.MAP_WAITS.log(map="m", error="E", reason="x://u:hush@h", stuck=False)

    (record,) = caplog.records
    assert (record.event, record.map, record.reason) == ("map.waits", "m", "x://u:***@h")


def test_the_reason_of_an_error_names_no_value_of_a_row():
    away = AppUnreachableError(app="finops", reason="refused")
    refused = RowsRefusedError(app="finops", table="t", reason="Key (id)=(S3CRET)")
    unknown = PermanentError("finops.t: not understood by the app: bad value S3CRET")

    assert reason_of(away) == "finops: no answer (refused). Nothing half-written was kept."
    for error in (refused, unknown, ValueError("S3CRET")):
        assert reason_of(error) == (
            f"{type(error).__name__}; its message may hold values of rows and is left out"
        )


def test_every_event_is_used_by_the_engine_and_fits_its_logger():
    names = [name for name, value in vars(logs).items() if isinstance(value, Event)]
    engine = "\n".join(text for path, text in SOURCES.items() if path.name != "logs.py")

    assert [n for n in names if f"{n}.log(" not in engine] == []
    assert {each.logger.name for each in EVENTS.values()} == {
        f"dualwrite.{name.partition('.')[0]}" for name in EVENTS
    }


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_a_message_uses_fields_that_its_event_has(event):
    used = set(re.findall(r"%\((\w+)\)", event.message))

    assert used <= set(event.fields)
    assert "row" not in event.fields
    # an attribute of a log record of that name would be overwritten
    assert not set(event.fields) & set(vars(logging.makeLogRecord({})))


def test_nothing_is_made_of_a_line_that_nobody_reads(monkeypatch):
    monkeypatch.setattr(logs, "safe_url", lambda _: pytest.fail("a field was made"))

    BATCH.log(map="m")
