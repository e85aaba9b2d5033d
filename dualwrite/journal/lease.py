"""One worker per map: a lease with an epoch.

A lease runs out by the database's clock unless it is renewed.  One that ran out is
taken over, and so is one whose process, on this very machine, is gone: a command
that was killed can be repeated at once.  Each taking raises the epoch, and the
epoch is what a writing transaction checks: a worker that was only slow finds it
changed and must stop.  The apps remember the epochs they have seen.  A journal that was
lost or restored from a backup must not hand out lower ones, so an epoch is never lower
than the seconds since 1970.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, Row, select, update

from dualwrite.errors import PermanentError
from dualwrite.journal.database import now_of, reading, upsert, writing
from dualwrite.journal.models import LeaseRow


class LeaseHeldError(PermanentError):
    """Another worker has the map."""

    def __init__(self, *, map_name: str, machine: str, pid: int, since: datetime) -> None:
        self.map_name, self.machine, self.pid, self.since = map_name, machine, pid, since
        super().__init__(
            f"{map_name}: another worker has it (process {pid} on {machine}, "
            f"since {since:%Y-%m-%d %H:%M:%S} UTC). Nothing was read or written.\n"
            "  Let it finish, or end that process; what it has done stays, "
            "and this command then goes on from there."
        )


class LeaseLostError(PermanentError):
    """Another worker took the map over, because this one was silent for too long."""

    def __init__(self, *, map_name: str, epoch: int) -> None:
        self.map_name, self.epoch = map_name, epoch
        super().__init__(
            f"{map_name}: another worker has taken it over, as this one was silent for too long. "
            "What was committed stays; nothing more was written.\n"
            "  See dualwrite status, and repeat the command once the other has finished."
        )


class Lease:
    """The right to work on a map.  Leaving the `with` block gives it back."""

    def __init__(self, engine: Engine, app: str, *, map_name: str, epoch: int, seconds: float):
        self.map, self.epoch = map_name, epoch
        self._engine, self._app, self._seconds = engine, app, seconds

    def renew(self) -> None:
        """Let it run for its time from now on.

        Raises:
            LeaseLostError: Someone else has it.
        """
        with writing(self._engine, self._app) as connection:
            until = now_of(connection) + timedelta(seconds=self._seconds)
            if not self._move_end(connection, until):
                raise LeaseLostError(map_name=self.map, epoch=self.epoch)

    def is_held(self) -> bool:
        """Whether no other worker has taken it since."""
        with reading(self._engine, self._app) as connection:
            return self.epoch == connection.scalar(
                select(LeaseRow.epoch).where(LeaseRow.map == self.map)
            )

    def release(self) -> None:
        """Give it back; nothing happens when it is lost or given back already."""
        with writing(self._engine, self._app) as connection:
            self._move_end(connection, now_of(connection))

    def _move_end(self, connection: Connection, until: datetime) -> bool:
        moved = connection.execute(
            update(LeaseRow)
            .where(LeaseRow.map == self.map, LeaseRow.epoch == self.epoch)
            .values(expires_at=until)
        )
        return moved.rowcount == 1

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def take(engine: Engine, app: str, *, map_name: str, holder: str, seconds: float) -> Lease:
    """Take the lease of a map.

    Raises:
        LeaseHeldError: A living worker has it.
    """
    with writing(engine, app) as connection:
        now = now_of(connection)
        mine = {
            "holder": holder,
            "machine": machine(),
            "pid": os.getpid(),
            "since": now,
            "expires_at": now + timedelta(seconds=seconds),
        }
        # The insert locks the row, whoever else comes at the same moment.
        connection.execute(
            upsert(connection, LeaseRow)
            .values(map=map_name, epoch=0, **{**mine, "expires_at": now})
            .on_conflict_do_nothing()
        )
        row = connection.execute(
            select(LeaseRow.__table__).where(LeaseRow.map == map_name).with_for_update()
        ).one()
        if row.expires_at > now and not _is_dead(row):
            raise LeaseHeldError(
                map_name=map_name,
                machine=row.machine.partition("/")[0],
                pid=row.pid,
                since=row.since,
            )
        epoch = max(row.epoch + 1, int(now.timestamp()))
        connection.execute(
            update(LeaseRow).where(LeaseRow.map == map_name).values(**mine, epoch=epoch)
        )
    return Lease(engine, app, map_name=map_name, epoch=epoch, seconds=seconds)


def holder(connection: Connection, map_name: str) -> str | None:
    """What the living worker that has a map says it does; None where nobody has it."""
    query = select(LeaseRow.__table__).where(LeaseRow.map == map_name)
    row = connection.execute(query).first()
    if row is None or row.expires_at <= now_of(connection) or _is_dead(row):
        return None
    return str(row.holder)


def machine() -> str:
    """This machine, and its process numbering where the system tells: a container has its own."""
    try:
        space = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}"


def _is_dead(row: Row[tuple[object, ...]]) -> bool:
    # Elsewhere signal 0 is no question, it ends the process.
    if os.name != "posix" or row.machine != machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
