"""Connections whose answer never comes are cut, so that their callers see a fault and try again.

A network that goes silent without closing (a firewall that forgot a connection, a proxy that
hangs) tells nobody.  While an answer is awaited for long, a second connection asks the server
whether it is at work for the first; where it is, a statement may take as long as it likes.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET = 15.0
"""Seconds without an answer after which the server is asked."""
GRACE = 10.0
"""Seconds that it has to say that it is at work."""
LOOK = 1.0
"""Seconds between two looks at all connections."""
HURRIED = 4.0
"""Both of these limits, together, once somebody waits for us to end."""
_FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))
PROBE_SECONDS = 5
"""How long a second connection may take."""


class Line:
    """One connection: since when an answer is awaited, and how it is cut."""

    def __init__(self, plug: socket.socket | None, at_work: Callable[[], bool]) -> None:
        """`plug` is a second handle of its socket; without one the connection is not watched."""
        self._plug, self._at_work = plug, at_work
        self.since: float | None = None
        self._vouched = 0.0
        self._asked: threading.Thread | None = None
        if plug is not None:
            _WATCH.add(self)
            # a driver that loses its connection may forget it without closing it
            self._given_back = weakref.finalize(self, plug.close)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Inside, the server owes an answer."""
        self.since = time.monotonic()
        try:
            yield
        finally:
            self.since = None

    def look(self, now: float, quiet: float, grace: float) -> None:
        """Ask the server, or cut the connection, where the answer takes too long."""
        since = self.since
        if since is None:
            return
        waited = now - max(since, self._vouched)
        if waited > quiet + grace:
            self.cut()
        elif waited > quiet and (self._asked is None or not self._asked.is_alive()):
            self._asked = threading.Thread(target=self._ask, name="silence", daemon=True)
            self._asked.start()

    def cut(self) -> None:
        """End the connection; whoever waits for an answer gets the driver's own error."""
        if self._plug is not None:
            with contextlib.suppress(OSError):
                self._plug.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the handle back."""
        _WATCH.remove(self)
        if self._plug is not None:
            self._given_back()

    def _ask(self) -> None:
        # whatever goes wrong, the server has not said that it is at work
        with contextlib.suppress(Exception):
            if self._at_work():
                self._vouched = time.monotonic()


class _Watch:
    """The thread that looks at all connections of this process."""

    def __init__(self) -> None:
        self.lines: weakref.WeakSet[Line] = weakref.WeakSet()
        self.hurried = False
        self._pid = 0
        self._guard = threading.Lock()

    def add(self, line: Line) -> None:
        with self._guard:
            self.lines.add(line)
            if self._pid != os.getpid():  # threads do not survive a fork
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="silence", daemon=True).start()

    def remove(self, line: Line) -> None:
        with self._guard:
            self.lines.discard(line)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK)
            quiet, grace = (HURRIED / 4, HURRIED) if self.hurried else (QUIET, GRACE)
            with self._guard:
                lines = list(self.lines)
            for line in lines:
                line.look(time.monotonic(), quiet, grace)


_WATCH = _Watch()


def hurry() -> None:
    """Somebody waits for this process to end: give silent servers less time."""
    _WATCH.hurried = True


def handle(descriptor: int) -> socket.socket | None:
    """A second handle of a TCP socket; None of any other, which no network can silence."""
    try:
        plug = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    if plug.family in (socket.AF_INET, socket.AF_INET6):
        return plug
    plug.close()
    return None


class NewSockets:
    """The sockets to some ports that came since: for drivers that do not tell theirs."""

    def __init__(self, ports: Collection[int]) -> None:
        self._ports, self._before = ports, _sockets()

    def all(self) -> list[socket.socket]:
        """Second handles of them."""
        found = []
        for plug in (handle(descriptor) for descriptor, _ in _sockets() - self._before):
            if plug is not None and _port(plug) in self._ports:
                found.append(plug)
            elif plug is not None:
                plug.close()
        return found

    def one(self) -> socket.socket | None:
        """The one; None where there is none, or more than one."""
        found = self.all()
        if len(found) == 1:
            return found[0]
        for plug in found:
            plug.close()
        return None


class _Connecting(Line):
    """A driver that connects: it asks questions of its own which no limit of the URL covers."""

    def __init__(self, new: NewSockets) -> None:
        super().__init__(None, lambda: False)
        self._new = new
        _WATCH.add(self)

    def cut(self) -> None:
        for plug in self._new.all():
            with contextlib.suppress(OSError), plug:
                plug.shutdown(socket.SHUT_RDWR)


@contextmanager
def connecting(new: NewSockets) -> Iterator[None]:
    """Inside, a driver connects; where the server falls silent meanwhile, its sockets are cut."""
    line = _Connecting(new)
    try:
        with line.awaited():
            yield
    finally:
        line.close()


def _sockets() -> set[tuple[int, int]]:
    """The open sockets of this process: descriptor and inode; none where no folder lists them."""
    folder = next((each for each in _FOLDERS if each.is_dir()), None)
    found = set()
    for path in () if folder is None else list(folder.iterdir()):
        with contextlib.suppress(OSError, ValueError):
            about = os.fstat(int(path.name))
            if stat.S_ISSOCK(about.st_mode):
                found.add((int(path.name), about.st_ino))
    return found


def _port(plug: socket.socket) -> int | None:
    try:
        return int(plug.getpeername()[1])
    except OSError:
        return None
