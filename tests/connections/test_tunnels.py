"""Servers that a bastion host alone reaches."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dualwrite.apps.opening import open_app
from dualwrite.connections import postgresql, tunnels
from dualwrite.errors import AppRefusedError, AppUnreachableError
from dualwrite.link import Side
from tests.servers.bastion import ALIAS, Bastion, bastion
from tests.servers.running import NoServerError, free_port

Url = Callable[..., sa.URL]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bastion]:
    try:
        with bastion(tmp_path_factory.mktemp("bastion")) as running:
            yield running
            tunnels.close_all()
    except NoServerError as error:
        if os.environ.get("DUALWRITE_TEST_REQUIRE_SERVERS"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=["postgresql", "mariadb"])
def url(
    request: pytest.FixtureRequest, host: Bastion, fresh_database: Callable[[str], str]
) -> Iterator[Url]:
    """The URL of a new database on a port of its own, as the bastion reaches it."""
    made = sa.make_url(fresh_database(request.param))
    port = made.port or free_port()
    forward = None
    if made.query.get("host"):  # it listens on a socket alone
        socket = f"{made.query['host']}/.s.PGSQL.{made.port or 5432}"
        code = _FORWARD.format(port=port, socket=socket)
        forward = subprocess.Popen([sys.executable, "-c", code])
    address = made.set(host="127.0.0.1", port=port, query={})

    def with_options(**options: str) -> sa.URL:
        given = {"ssh": ALIAS, "ssh_config": str(host.config), **options}
        return address.update_query_dict(given)

    yield with_options
    if forward is not None:
        forward.kill()
        forward.wait()


_FORWARD = """
import socket, threading
def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for each in (one, other):
        try: each.shutdown(socket.SHUT_RDWR)
        except OSError: pass
with socket.create_server(("127.0.0.1", {port})) as listening:
    while True:
        client, _ = listening.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect({socket!r})
        for ends in ((client, server), (server, client)):
            threading.Thread(target=pump, args=ends, daemon=True).start()
"""


def test_an_app_is_reached_through_it(url: Url, host: Bastion) -> None:
    app = open_app(Side.FINOPS, url().render_as_string(hide_password=False), patience=5)
    with closing(app):
        assert list(app.tables()) == []
        host.hang_up()
        end = time.monotonic() + 20
        while True:
            try:
                assert list(app.tables()) == []
            except AppUnreachableError:
                assert time.monotonic() < end, "it does not open anew"
                time.sleep(0.2)
            else:
                break


def test_who_may_not_pass_is_refused(url: Url, host: Bastion) -> None:
    foreign = url(ssh_config=str(host.folder / "foreign_config"))

    with pytest.raises(AppRefusedError, match=f"ssh {ALIAS}: .*Permission denied"):
        open_app(Side.FINOPS, foreign.render_as_string(hide_password=False), patience=5).tables()


def test_a_host_that_is_not_known_is_refused(url: Url, host: Bastion, tmp_path: Path) -> None:
    config = host.config.read_text(encoding="utf-8")
    forgets = config.replace(str(host.folder / "known"), "/dev/null")
    (tmp_path / "config").write_text(forgets, encoding="utf-8")
    address = url(ssh_config=str(tmp_path / "config"))

    with pytest.raises(AppRefusedError, match="Host key verification failed"):
        open_app(Side.FINOPS, address.render_as_string(hide_password=False), patience=5).tables()


@pytest.mark.parametrize("named", ["-oProxyCommand=touch x", "a b", "user@", "", "h:port"])
def test_what_is_no_host_reaches_no_command(named: str) -> None:
    with pytest.raises(tunnels.TunnelError, match="is no host"):
        tunnels.local_port({"ssh": named}, "db", 5432)


def test_without_it_nothing_is_opened() -> None:
    options = {"sslmode": "require"}

    assert tunnels.local_port(options, "db", 5432) is None
    assert options == {"sslmode": "require"}


def test_the_name_of_the_server_stays_for_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "local_port", lambda *_: 61234)

    address = postgresql.address("postgresql://u@db.internal/erp?sslmode=verify-full&ssh=bastion")

    assert "@db.internal/erp" in address
    assert "hostaddr=127.0.0.1&port=61234" in address


def test_it_ends_with_its_process(host: Bastion) -> None:
    """However that ends."""
    code = (
        "import os, signal, sys; from dualwrite.connections import tunnels\n"
        "options = {'ssh': sys.argv[1], 'ssh_config': sys.argv[2]}\n"
        "print(tunnels.local_port(options, '127.0.0.1', 9), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, ALIAS, str(host.config)]

    done = subprocess.run(command, capture_output=True, check=False)

    end = time.monotonic() + 10
    forward = f"127.0.0.1:{int(done.stdout)}:127.0.0.1:9".encode()
    while _runs(forward):
        assert time.monotonic() < end, "ssh is left"
        time.sleep(0.1)


def _runs(word: bytes) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in path.read_bytes():
                return True
        except OSError:
            continue
    return False
