"""A proxy before a database server that eats all bytes when it is told to, and closes nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

import sqlalchemy as sa


class Proxy:
    """Listens on a loopback port; `url` is that of the database through it."""

    def __init__(self, url: sa.URL) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._host = url.query.get("host") or url.host or "127.0.0.1"
        self._port = url.port or (3306 if url.drivername.startswith("mysql") else 5432)
        self.url = url.set(host="127.0.0.1", port=self._listening.getsockname()[1], query={})
        self.silent = threading.Event()
        self.silent_after: int | None = None
        """So many messages of the client pass on a connection, and no more."""
        self._lines: list[threading.Event] = []
        self._sockets: list[socket.socket] = []

    def forget(self) -> None:
        """Eat what the connections of now say; new ones are sound."""
        for line in self._lines:
            line.set()

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._listening, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._sockets.append(client)
            if self.silent.is_set():
                continue
            server = self._connect()
            self._sockets.append(server)
            dead = threading.Event()
            self._lines.append(dead)
            for ends in ((client, server, dead, self.silent_after), (server, client, dead, None)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _connect(self) -> socket.socket:
        host = str(self._host)
        if host.startswith("/"):
            made = socket.socket(socket.AF_UNIX)
            made.connect(f"{host}/.s.PGSQL.{self._port}")
            return made
        return socket.create_connection((host, self._port))

    def _pump(
        self, one: socket.socket, other: socket.socket, dead: threading.Event, last: int | None
    ) -> None:
        messages = 0
        with contextlib.suppress(OSError):  # one end is gone: so goes the other
            while data := one.recv(65536):
                messages += 1
                if self.silent.is_set() or (last is not None and messages > last):
                    dead.set()
                if not dead.is_set():
                    other.sendall(data)
        if not self.silent.is_set():  # else nobody hears that it is over
            for each in (one, other):
                # a close alone is not told while the other thread waits for bytes
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
