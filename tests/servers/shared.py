"""One server of a kind for a whole test run, whatever the number of its processes.

The first process of a run owns the servers: it starts a kind when a test first asks for it, and
stops it when the run ends.  The workers of pytest-xdist ask by a file in a folder that all share.
`python -m tests.servers COMMAND` gives several runs the same servers, by the environment.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import running
from tests.servers.running import NoServerError, Server

START: Mapping[str, Callable[[], AbstractContextManager[Server]]] = {
    "postgresql": running.postgresql,
    "mariadb": running.mariadb,
}
GIVEN = {"postgresql": "DUALWRITE_TEST_POSTGRES", "mariadb": "DUALWRITE_TEST_MARIADB"}
"""The variables that name a server which is there already."""
POLL = 0.05
PATIENCE = 120.0


@dataclass
class Owner:
    """Starts servers for other processes as they ask, and stops them at the end."""

    folder: Path = field(init=False)
    _open: ExitStack = field(default_factory=ExitStack)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def open(self) -> None:
        """Answer requests from now on."""
        self.folder = self._open.enter_context(running.folder_of("dwservers"))
        for kind in START:
            thread = threading.Thread(target=self._serve, args=(kind,), name=f"tests: {kind}")
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop what was started."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._open.close()

    def _serve(self, kind: str) -> None:
        while not (self.folder / f"{kind}.wanted").exists():
            if self._end.wait(POLL):
                return
        try:
            with START[kind]() as server:
                self._answer(f"{kind}.url", server.url)
                self._end.wait()
        except NoServerError as reason:
            self._answer(f"{kind}.reason", str(reason))

    def _answer(self, name: str, text: str) -> None:
        written = self.folder / f"{name}.part"
        written.write_text(text, encoding="utf-8")
        written.rename(self.folder / name)


@contextmanager
def asked_of_owner(kind: str, folder: Path) -> Iterator[Server]:
    """The server of a kind that the owner of the folder keeps.

    Raises:
        NoServerError: It cannot be started, or the owner does not answer.
    """
    (folder / f"{kind}.wanted").touch()
    url, reason = folder / f"{kind}.url", folder / f"{kind}.reason"
    end = time.monotonic() + PATIENCE
    while not url.exists():
        if reason.exists():
            raise NoServerError(reason.read_text(encoding="utf-8"))
        if time.monotonic() > end:
            raise NoServerError(f"the test run's first process has started none in {PATIENCE:.0f}s")
        time.sleep(POLL)
    yield Server(url.read_text(encoding="utf-8"))


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """The environment of a command that finds every server which this machine has."""
    with ExitStack() as stack:
        found = dict(os.environ)
        for kind, start in START.items():
            try:
                found[GIVEN[kind]] = stack.enter_context(start()).url
            except NoServerError as reason:
                print(f"{kind}: {reason}", flush=True)
        yield found
