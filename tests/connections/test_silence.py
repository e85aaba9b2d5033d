"""A network that goes silent without closing: who waits for an answer gets a fault."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.connections import postgresql, silence
from dualwrite.errors import AppUnreachableError
from dualwrite.link import Side
from tests.connections.proxy import Proxy


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("QUIET", 0.3), ("GRACE", 1.5), ("LOOK", 0.1)):
        monkeypatch.setattr(silence, name, seconds)


@pytest.fixture(params=["postgresql", "mariadb"])
def proxy(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> Iterator[Proxy]:
    with Proxy(sa.make_url(fresh_database(request.param))) as made:
        yield made


@pytest.fixture
def app(proxy: Proxy) -> Iterator[App]:
    opened = open_app(Side.FINOPS, proxy.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


def sleeping(app: Any, seconds: float) -> None:
    """A statement that takes long."""
    mysql = "mysql" in app._dialect.url.drivername
    with app._session(None) as session:
        if mysql:
            session.arrays(f"SELECT SLEEP({seconds}) AS slept")
        else:
            session.arrays(f"SELECT pg_sleep({seconds})::text AS slept")


def test_an_answer_that_never_comes_is_a_fault(app: App, proxy: Proxy) -> None:
    app.pending([])
    sleeping(app, 0)
    proxy.silent.set()

    began = time.monotonic()
    with pytest.raises(AppUnreachableError):
        sleeping(app, 0)
    took = time.monotonic() - began
    proxy.silent.clear()

    assert took < 20
    sleeping(app, 0)


def test_a_server_that_falls_silent_while_a_driver_connects_is_a_fault(
    app: App, proxy: Proxy
) -> None:
    proxy.silent_after = 3  # it has begun to ask what types there are

    with pytest.raises(AppUnreachableError):
        sleeping(app, 0)

    proxy.silent_after = None
    sleeping(app, 0)


def test_a_connection_that_was_forgotten_is_a_fault(app: App, proxy: Proxy) -> None:
    """New connections work, and the server never got what we sent."""
    sleeping(app, 0)
    proxy.forget()

    with pytest.raises(AppUnreachableError):
        sleeping(app, 0)

    sleeping(app, 0)


def test_a_statement_may_take_as_long_as_it_likes(app: App) -> None:
    sleeping(app, 4)


def test_the_listening_for_changes_notices(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    if proxy.url.drivername.startswith("mysql"):
        pytest.skip("asks again and again")
    with postgresql.connect(proxy.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        proxy.forget()
        with pytest.raises(Exception, match=r"closed|terminated|lost"):
            connection.execute("SELECT 1")


def test_a_socket_of_another_kind_is_not_watched() -> None:
    one, other = socket.socketpair()
    assert silence.handle(one.fileno()) is None
    one.close()
    other.close()


def test_a_line_that_waits_for_nothing_is_left_alone() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    new = silence.NewSockets([listening.getsockname()[1]])
    plug = socket.create_connection(listening.getsockname())
    handle = new.one()
    assert handle is not None
    line = silence.Line(handle, lambda: False)

    line.look(time.monotonic() + 3600, 1, 1)
    plug.send(b"still open")
    with line.awaited():
        line.look(time.monotonic() + 3600, 1, 1)
    with pytest.raises(OSError, match=r"."):
        plug.send(b"cut")
    line.close()
    plug.close()
    listening.close()
