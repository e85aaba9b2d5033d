"""The journal's tables.

Times are UTC, text has any length, JSON is stored as text and keeps its order.  Every table
name starts with `journal_`, so that the journal may share a database.  A change here needs a
migration; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Text,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

BigId = BigInteger().with_variant(Integer, "sqlite")
_EMPTY = text("'{}'")


class UtcTime(TypeDecorator[datetime]):
    """A point in time: stored and returned as UTC, refused without a time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"{value!r} has no time zone"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; the names of constraints are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {str: Text, int: BigInteger, datetime: UtcTime, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy reads it off the class


class MapModel(Base):
    """A map that was run at least once, and its status."""

    __tablename__ = "journal_map"

    name: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    since: Mapped[datetime]
    last_cycle_at: Mapped[datetime | None]
    queues: Mapped[dict[str, Any]]
    marks: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY)
    pending: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY)
    waits: Mapped[str | None]


class RunModel(Base):
    """A run of a map, such as an initial sync; see `records.Run`."""

    __tablename__ = "journal_run"
    __table_args__ = (Index(None, "map", "finished_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    map: Mapped[str]
    kind: Mapped[str]
    options: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]


class PartitionModel(Base):
    """A checkpoint of a run: one key range of a table, finished or not."""

    __tablename__ = "journal_partition"

    run_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("journal_run.id", ondelete="CASCADE"), primary_key=True
    )
    direction: Mapped[str] = mapped_column(primary_key=True)
    phase: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    columns: Mapped[list[str]] = mapped_column(JSON)
    low: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    high: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    done_at: Mapped[datetime | None]


class PartitionCountModel(Base):
    """The counts of a finished partition in one direction.

    A partition of either direction may write to both sides, so it has up to two rows here:
    `partition_direction` names the partition, `direction` the way the counted values went.
    """

    __tablename__ = "journal_partition_count"
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "partition_direction", "phase", "number"],
            [f"journal_partition.{name}" for name in ("run_id", "direction", "phase", "number")],
            ondelete="CASCADE",
        ),
    )

    run_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    partition_direction: Mapped[str] = mapped_column(primary_key=True)
    phase: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    direction: Mapped[str] = mapped_column(primary_key=True)
    read: Mapped[int]
    written: Mapped[int]
    unchanged: Mapped[int]
    deleted: Mapped[int]
    rejected: Mapped[int]
    parked: Mapped[int]
    conflicts: Mapped[int]


class HeldRowModel(Base):
    """A rejected or parked row.  A key is held at most once for each map and direction."""

    __tablename__ = "journal_held"
    # A discarded id must never name another row.
    __table_args__ = (
        Index(None, "map", "direction", "key", unique=True),
        Index(None, "map", "kind"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    map: Mapped[str]
    direction: Mapped[str]
    key: Mapped[str]
    cause: Mapped[str]
    reason: Mapped[str]
    column: Mapped[str]
    cure: Mapped[str]
    row: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    changed: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class PreparedWriteModel(Base):
    """A two-phase write of both apps in progress; `commits` is null until it is decided."""

    __tablename__ = "journal_prepared_write"

    name: Mapped[str] = mapped_column(primary_key=True)
    map: Mapped[str]
    at: Mapped[datetime]
    commits: Mapped[bool | None]


class ConflictModel(Base):
    """A row that changed on both sides: both versions and the decision."""

    __tablename__ = "journal_conflict"
    __table_args__ = (
        Index(None, "map", "token", unique=True),
        Index(None, "map", "status"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    map: Mapped[str]
    key: Mapped[str]
    token: Mapped[str]
    kind: Mapped[str]
    policy: Mapped[str]
    status: Mapped[str]
    outcome: Mapped[str]
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    finops: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    dataverse: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    changed_finops: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    changed_dataverse: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    columns: Mapped[dict[str, Any]]


class CycleModel(Base):
    """Counts and lags of a map's cycles in one minute (counted from 1970, UTC)."""

    __tablename__ = "journal_cycle"

    map: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batches: Mapped[int]
    read: Mapped[int]
    written: Mapped[int]
    unchanged: Mapped[int]
    deleted: Mapped[int]
    rejected: Mapped[int]
    parked: Mapped[int]
    conflicts: Mapped[int]
    lags: Mapped[dict[str, Any]]


class ActivityModel(Base):
    """One line of the activity log."""

    __tablename__ = "journal_activity"
    __table_args__ = (Index(None, "map", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    map: Mapped[str | None]
    event: Mapped[str]
    text: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class LeaseModel(Base):
    """The newest lease of a map.  The row stays after its release, so that epochs only grow."""

    __tablename__ = "journal_lease"

    map: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    holder: Mapped[str]
    machine: Mapped[str]
    pid: Mapped[int]
    since: Mapped[datetime]
    expires_at: Mapped[datetime]
