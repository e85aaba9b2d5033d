"""Where the two sample apps live: two SQLite files, or two databases on a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from dualwrite.connections import engines as connections
from dualwrite.errors import ConfigError
from dualwrite.link import Side
from dualwrite.sandbox.schema.creating import driver_url

PASSWORD_VARIABLE = "DUALWRITE_SANDBOX_PASSWORD"  # noqa: S105 - a name, no password

_PLACEHOLDER = "dualwrite-password-placeholder"
_CREATE = {
    "postgresql": 'create database "{}"',
    "mysql": "create database `{}` character set utf8mb4 collate utf8mb4_bin",
    "mariadb": "create database `{}` character set utf8mb4 collate utf8mb4_bin",
}
_DROP = {
    "postgresql": 'drop database if exists "{}" with (force)',
    "mysql": "drop database if exists `{}`",
    "mariadb": "drop database if exists `{}`",
}


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of both sides."""

    urls: Mapping[Side, str]
    """As they are opened, with the password."""
    written: Mapping[Side, str]
    """As dualwrite.toml has them: the password is a variable."""
    needs_password: bool


def in_files(folder: Path) -> Databases:
    """Two SQLite files in the project folder."""
    files = {side: f"{side.value}.db" for side in Side}
    return Databases(
        urls={
            side: f"sqlite:///{(folder / file).absolute().as_posix()}"
            for side, file in files.items()
        },
        written={side: f"sqlite:///{file}" for side, file in files.items()},
        needs_password=False,
    )


def on_server(url: str, folder: Path, *, replace: bool) -> Databases:
    """Two new databases on a server, named after the folder.

    Raises:
        ConfigError: The URL is not of a known server, a database exists already (and
            `replace` is not set), or the server refuses to create it.
    """
    server = _parsed(url)
    stem = re.sub(r"\W+", "_", folder.absolute().name.lower()).strip("_") or "sandbox"
    names = {side: f"{stem}_{side.value}" for side in Side}
    kind = server.get_backend_name()
    engine = connections.engine(_maintenance(server), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            existing = _existing(connection, kind)
            taken = [name for name in names.values() if name in existing]
            if taken and not replace:
                plural = "s" if len(taken) > 1 else ""
                msg = (
                    f"the server already has the database{plural} {' and '.join(taken)}. "
                    "Nothing was created, and what is there was left as it is.\n"
                    "  Choose another folder name, or repeat the command with --replace to drop "
                    f"{'them' if plural else 'it'}."
                )
                raise ConfigError(msg)
            for name in names.values():
                connection.exec_driver_sql(_DROP[kind].format(name))
                connection.exec_driver_sql(_CREATE[kind].format(name))
    except sa.exc.DBAPIError as fault:
        reason = str(fault.orig).strip().splitlines()[0]
        msg = (
            f"the server refused to create the sandbox's databases ({reason}).\n"
            "  Check host, user, password and the right to create databases."
        )
        raise ConfigError(msg) from fault
    finally:
        engine.dispose()
    urls = {side: server.set(database=name) for side, name in names.items()}
    return Databases(
        urls={side: each.render_as_string(hide_password=False) for side, each in urls.items()},
        written={side: _without_password(each) for side, each in urls.items()},
        needs_password=bool(server.password),
    )


def _parsed(url: str) -> URL:
    try:
        server = driver_url(url)
    except sa.exc.ArgumentError:
        server = None
    if server is None or server.get_backend_name() not in _CREATE:
        msg = (
            "a sandbox cannot be created there: the URL is none of a database server that we know. "
            "Nothing was created.\n"
            "  Write it as postgresql://user@host or mysql+pymysql://user@host."
        )
        raise ConfigError(msg)
    return server


def _maintenance(server: URL) -> URL:
    """A database that always exists, from which others can be created."""
    if server.database:
        return server
    return server.set(database="postgres" if server.get_backend_name() == "postgresql" else None)


def _existing(connection: sa.Connection, kind: str) -> set[str]:
    names = "select datname from pg_database" if kind == "postgresql" else "show databases"
    return {row[0] for row in connection.exec_driver_sql(names)}


def _without_password(url: URL) -> str:
    if not url.password:
        return url.render_as_string()
    text = url.set(password=_PLACEHOLDER).render_as_string(hide_password=False)
    return text.replace(_PLACEHOLDER, f"${{{PASSWORD_VARIABLE}}}")
