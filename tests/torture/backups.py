"""A database as it was: copied while nobody is connected, and put back in its place later."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.servers.running import Server


@contextmanager
def backup(url: str, folder: Path) -> Iterator[Callable[[], None]]:
    """Copy a database of PostgreSQL or MariaDB; what is given puts the copy in its place."""
    if url.startswith("postgresql"):
        with _copied(url) as restore:
            yield restore
    else:
        yield _dumped(url, folder / "backup.sql")


@contextmanager
def _copied(url: str) -> Iterator[Callable[[], None]]:
    name = sa.make_url(url).database
    owner = Server(sa.make_url(url).set(database="postgres").render_as_string(hide_password=False))
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    owner.execute(others, f"CREATE DATABASE {name}_copy TEMPLATE {name}")

    def restore() -> None:
        owner.execute(
            f"DROP DATABASE {name} WITH (FORCE)", f"ALTER DATABASE {name}_copy RENAME TO {name}"
        )

    try:
        yield restore
    finally:
        owner.execute(f"DROP DATABASE IF EXISTS {name}_copy WITH (FORCE)")


def _dumped(url: str, dump: Path) -> Callable[[], None]:
    place = sa.make_url(url)
    client = [f"--host={place.host}", f"--port={place.port}", f"--user={place.username}"]
    client += [f"--password={place.password}"] * bool(place.password)
    with dump.open("wb") as copy:
        command = ["mariadb-dump", *client, "--routines", "--triggers", str(place.database)]
        subprocess.run(command, stdout=copy, check=True)

    def restore() -> None:
        name = place.database
        owner = Server(place.set(database="mysql").render_as_string(hide_password=False))
        owner.execute(f"DROP DATABASE {name}", f"CREATE DATABASE {name}")
        with dump.open("rb") as copy:
            subprocess.run(["mariadb", *client, str(name)], stdin=copy, check=True)

    return restore
