"""One worker for each map: leases with an epoch, which is the fencing token.

A lease expires by the database's clock unless it is renewed.  An expired lease may be taken by
another worker, and so may one whose process on this machine has ended: a command that was killed
can be repeated at once.  Each new lease has a higher epoch, which every writing transaction
checks, so a worker that was only slow finds the higher one and stops.

The apps keep the highest epoch they have seen.  A journal that was lost, or restored from a
backup, must not issue lower ones, so an epoch is at least the seconds since 1970.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Row, select, update

from dualwrite.errors import PermanentError
from dualwrite.journal.database import Database, now_of, upsert
from dualwrite.journal.models import LeaseModel
from dualwrite.logs import LEASE_REFUSED, LEASE_RELEASED, LEASE_TAKEN


class LeaseHeldError(PermanentError):
    """Another worker has the lease of the map."""

    def __init__(self, *, map_name: str, machine: str, pid: int, since: datetime) -> None:
        self.map_name, self.machine, self.pid, self.since = map_name, machine, pid, since
        super().__init__(
            f"{map_name}: another worker has its lease (process {pid} on {machine}, "
            f"since {since:%Y-%m-%d %H:%M:%S} UTC). Nothing was read or written.\n"
            "  Wait until it has finished, or end that process, and repeat the command: "
            "it continues where that process stopped."
        )


class LeaseLostError(PermanentError):
    """The lease of this worker expired, and another worker took it."""

    def __init__(self, *, map_name: str, epoch: int) -> None:
        self.map_name, self.epoch = map_name, epoch
        super().__init__(
            f"{map_name}: the lease of this worker expired, and another worker took it. "
            "What was committed stays; nothing more was written.\n"
            "  See dualwrite status, and repeat the command when the other worker has finished."
        )


class Lease:
    """The right to work on a map.  Leaving the `with` block releases it."""

    def __init__(self, database: Database, *, map_name: str, epoch: int, seconds: float) -> None:
        self.map, self.epoch = map_name, epoch
        self._database, self._seconds = database, seconds

    def renew(self) -> None:
        """Extend the lease by its full time from now.

        Raises:
            LeaseLostError: Another worker has it.
        """
        with self._database.writing() as connection:
            until = now_of(connection) + timedelta(seconds=self._seconds)
            if not self._move_end(connection, until):
                raise LeaseLostError(map_name=self.map, epoch=self.epoch)

    def release(self) -> None:
        """Let another worker take it; no effect when it is lost or released already."""
        with self._database.writing() as connection:
            released = self._move_end(connection, now_of(connection))
        if released:
            LEASE_RELEASED.log(map=self.map, epoch=self.epoch)

    def _move_end(self, connection: Connection, until: datetime) -> bool:
        moved = connection.execute(
            update(LeaseModel)
            .where(LeaseModel.map == self.map, LeaseModel.epoch == self.epoch)
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


class LeaseStore:
    """The leases of a link's maps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, map_name: str, holder: str, seconds: float) -> Lease:
        """Take the lease of a map; `holder` tells other workers what it is for.

        Raises:
            LeaseHeldError: A living worker has it.
        """
        with self._database.writing() as connection:
            now = now_of(connection)
            mine = {
                "holder": holder,
                "machine": machine(),
                "pid": os.getpid(),
                "since": now,
                "expires_at": now + timedelta(seconds=seconds),
            }
            # Makes sure that there is a row to lock, whoever else comes at the same moment.
            connection.execute(
                upsert(connection, LeaseModel)
                .values(map=map_name, epoch=0, **{**mine, "expires_at": now})
                .on_conflict_do_nothing()
            )
            row = connection.execute(
                select(LeaseModel.__table__).where(LeaseModel.map == map_name).with_for_update()
            ).one()
            if row.expires_at > now and not _is_dead(row):
                LEASE_REFUSED.log(map=map_name, pid=row.pid, machine=row.machine.partition("/")[0])
                raise LeaseHeldError(
                    map_name=map_name,
                    machine=row.machine.partition("/")[0],
                    pid=row.pid,
                    since=row.since,
                )
            epoch = max(row.epoch + 1, int(now.timestamp()))
            connection.execute(
                update(LeaseModel).where(LeaseModel.map == map_name).values(**mine, epoch=epoch)
            )
        LEASE_TAKEN.log(map=map_name, epoch=epoch, holder=holder)
        return Lease(self._database, map_name=map_name, epoch=epoch, seconds=seconds)

    def holder(self, map_name: str) -> str | None:
        """What the worker that has a map's lease gave as `holder`; None if nobody has it."""
        query = select(LeaseModel.__table__).where(LeaseModel.map == map_name)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            if row is None or row.expires_at <= now_of(connection) or _is_dead(row):
                return None
            return str(row.holder)

    def epoch(self, map_name: str) -> int:
        """The epoch of the newest lease of a map; 0 if there was none."""
        query = select(LeaseModel.epoch).where(LeaseModel.map == map_name)
        with self._database.reading() as connection:
            return connection.scalar(query) or 0


def machine() -> str:
    """This machine and, where known, its process namespace: a container has its own."""
    try:
        space = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}"


def _is_dead(row: Row[tuple[object, ...]]) -> bool:
    # Only on POSIX does signal 0 ask; on Windows it would end the process.
    if os.name != "posix" or row.machine != machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
