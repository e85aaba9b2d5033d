"""A failed quality report emits an event, and an automation on a real server reacts to it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.flows.people import MAP
from tests.flows.servers import ROOT, a_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NO_BLOCK = "00000000-0000-0000-0000-000000000000"
REPORTS = "https://reports.example.com"
Call = tuple[str | None, bytes]


@contextmanager
def a_chat() -> Iterator[tuple[str, SimpleQueue[Call]]]:
    """An address that messages are posted to; those that came, with what they say they are."""
    calls: SimpleQueue[Call] = SimpleQueue()

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            calls.put((self.headers["Content-Type"], body))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", calls
        finally:
            server.shutdown()
            thread.join()


def test_a_failed_quality_report_notifies_people(project: Path, tmp_path: Path):
    """The steps of deployments/automation-quality.yaml."""
    shipped = (ROOT / "deployments" / "automation-quality.yaml").read_text(encoding="utf-8")
    say_where = re.search(r'^#   python -c "(.*)"$', shipped, re.MULTILINE)[1]
    mine = tmp_path / "automation.yaml"

    with a_chat() as (url, calls), a_server(tmp_path, DUALWRITE_REPORTS_URL=REPORTS) as server:
        block = server.python("-c", re.sub(r"https://[^']*", url, say_where)).strip()
        assert shipped.count(NO_BLOCK) == 1
        mine.write_text(shipped.replace(NO_BLOCK, block), encoding="utf-8")
        server.prefect("automation", "create", "--from-file", str(mine))
        server.python("-m", "flows.quality_report", "--project", str(project), MAP)
        kind, body = calls.get(timeout=60)

    assert kind == "application/json"
    message = json.loads(body)
    assert list(message) == ["text"]
    assert re.fullmatch(
        rf"{MAP}: [\w ]+: [\d,]+ of [\d,]+ rows in \w+\. "
        rf"Report: {REPORTS}/quality/index\.html",
        message["text"],
    )
    assert calls.empty()
