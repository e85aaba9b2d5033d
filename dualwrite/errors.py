"""The errors of the engine, grouped by what the caller does next.

    DualWriteError
    ├── TransientError    wait, then try the same call again
    ├── RowError          hold these rows; continue with the others
    └── PermanentError    stop; a person must act first

Raise the most specific class, catch the group.  A message says what happened, where (app, table,
file and line), what was kept safe, and what to do.  It may contain keys and column names, but no
other values of a row, and no secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class DualWriteError(Exception):
    """An error of the engine, with a message for a person."""


class TransientError(DualWriteError):
    """The same call may succeed later: a server is unreachable, a lock is held, a deadlock."""


class RowError(DualWriteError):
    """Some rows are faulty; the others can be synced."""


class PermanentError(DualWriteError):
    """A retry cannot succeed before a person acts."""


class ConfigError(PermanentError):
    """`dualwrite.toml` is missing or invalid."""


class SplitPasswordError(ConfigError):
    """A URL whose password has an `@`: what follows it is taken for the host.

    No part of the URL is shown.
    """

    def __init__(self, *, app: str) -> None:
        self.app = app
        super().__init__(
            f"{_setting(app)} url: the user name or the password has an `@`, so that a part of it "
            "would be taken for the host. Nothing was read or written.\n"
            "  Write it as %40 in the URL, or in the environment variable that is set into it."
        )


def _setting(app: str) -> str:
    """The table of `dualwrite.toml` with the address of `app`."""
    return "[journal]" if app == "journal" else f"[apps.{app}]"


def no_answer(app: str) -> str:
    """How the message of an `AppUnreachableError` begins, also where a map waits for the app."""
    return f"{app}: no answer"


class AppUnreachableError(TransientError):
    """An app does not answer: wrong host, server down, connection lost."""

    def __init__(self, *, app: str, reason: str) -> None:
        self.app, self.reason = app, reason
        super().__init__(
            f"{no_answer(app)} ({reason}). Nothing half-written was kept.\n"
            f"  Check that the server runs and that {_setting(app)} url is right, "
            "then repeat the command: it continues where it stopped."
        )


class AppBusyError(TransientError):
    """An app answers but cannot do the work now: a lock, a deadlock, a time-out."""

    def __init__(self, *, app: str, table: str | None, reason: str) -> None:
        self.app, self.table, self.reason = app, table, reason
        where = app if table is None else f"{app}.{table}"
        super().__init__(
            f"{where}: busy ({reason}). The transaction was rolled back, nothing was lost.\n"
            "  Close what holds the lock, or wait, and repeat the command."
        )


class AppRefusedError(PermanentError):
    """An app refuses the connection: wrong password, unknown database."""

    def __init__(self, *, app: str, reason: str) -> None:
        self.app, self.reason = app, reason
        super().__init__(
            f"{app}: refused the connection ({reason}). Nothing was read or written.\n"
            f"  Check the user, the password and the database (or file) of {_setting(app)} "
            "in dualwrite.toml."
        )


class MissingFileError(PermanentError):
    """The file of an app is missing; it is not created, as an empty app is never intended."""

    def __init__(self, *, app: str, path: str) -> None:
        self.app, self.path = app, path
        super().__init__(
            f"{app}: there is no file {path}. Nothing was read or written.\n"
            f"  Correct {_setting(app)} url in dualwrite.toml; dualwrite does not create it."
        )


class UnwritableFileError(PermanentError):
    """A file or folder that was asked for cannot be written."""

    def __init__(self, *, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path}: cannot be written ({reason}). No app was touched.\n"
            "  Name another place, or give this user the right to write there."
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what cannot be written, where the body's writing of a file or folder fails.

    Raises:
        UnwritableFileError: An OSError came; it names the path that failed, or `path`.
    """
    try:
        yield
    except OSError as error:
        failed = Path(error.filename) if isinstance(error.filename, str) else path
        reason = error.strerror or str(error)
        raise UnwritableFileError(path=failed, reason=reason) from error


class StorageFullError(PermanentError):
    """The disk of an app or of the journal is full."""

    def __init__(self, *, app: str, reason: str) -> None:
        self.app, self.reason = app, reason
        super().__init__(
            f"{app}: the disk is full ({reason}). The transaction was rolled back, "
            "what was committed before stays.\n"
            "  Free some space and repeat the command: it continues where it stopped."
        )


class MissingTableError(PermanentError):
    """A map names a table that the app does not have."""

    def __init__(self, *, app: str, table: str, near: Sequence[str] = (), reason: str = "") -> None:
        self.app, self.table, self.near, self.reason = app, table, tuple(near), reason
        why = f" ({reason})" if reason else ""
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(
            f"{app}: there is no table {table!r}{why}.{hint} Nothing was written.\n"
            "  Create the table, or correct the map (dualwrite maps check)."
        )


class MissingColumnError(PermanentError):
    """A map names a column that the table does not have."""

    def __init__(self, *, app: str, table: str, column: str, near: Sequence[str] = ()) -> None:
        self.app, self.table, self.column, self.near = app, table, column, tuple(near)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(
            f"{app}.{table}: there is no column {column!r}.{hint} Nothing was written.\n"
            "  Add the column, or correct the map (dualwrite maps check)."
        )


class NoKeyError(PermanentError):
    """A table has no key by which its rows can be identified and read in parts."""

    def __init__(self, *, app: str, table: str) -> None:
        self.app, self.table = app, table
        super().__init__(
            f"{app}.{table}: the table has no primary key and no unique index, so its rows "
            "cannot be identified. Nothing was written.\n"
            "  Add a primary key, or a unique index over the map's key columns."
        )


class ReadOnlyTableError(PermanentError):
    """A view, or another table that cannot be written, is the target of a write."""

    def __init__(self, *, app: str, table: str, reason: str) -> None:
        self.app, self.table, self.reason = app, table, reason
        super().__init__(
            f"{app}.{table}: cannot be written ({reason}). Nothing was written.\n"
            "  Map the table below it, or make every column of the map one-way out of it."
        )


class PrivilegeError(PermanentError):
    """The user of the app lacks a privilege that the map needs."""

    def __init__(self, *, app: str, table: str, privilege: str) -> None:
        self.app, self.table, self.privilege = app, table, privilege
        super().__init__(
            f"{app}.{table}: our user lacks the right to {privilege}. Nothing was written.\n"
            f"  Grant it (docs/reference/privileges.md lists what each app needs)."
        )


class RowsRefusedError(RowError):
    """The app refused a batch because of the values of its rows.

    The whole batch was rolled back.  The caller bisects it to find the rows, unless `rows`
    gives their numbers among those given, each with its reason; `cure` is for all of these.
    """

    def __init__(
        self,
        *,
        app: str,
        table: str,
        reason: str,
        rows: Mapping[int, str] | None = None,
        cure: str = "",
    ) -> None:
        self.app, self.table, self.reason = app, table, reason
        self.rows: Mapping[int, str] = rows or {}
        self.cure = cure
        super().__init__(f"{app}.{table}: refused by the app: {reason}")
