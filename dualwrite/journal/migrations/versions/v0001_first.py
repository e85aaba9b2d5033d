"""The first journal: maps, runs, partitions, held rows, activity, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _maps_and_runs()
    _partitions()
    _tallies()
    _held_rows()
    _activity_and_leases()


def _maps_and_runs() -> None:
    op.create_table(
        "journal_map",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("last_cycle_at", _TIME),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_journal_map"),
    )
    op.create_table(
        "journal_run",
        sa.Column("id", _ID, nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_journal_run"),
    )
    op.create_index("ix_journal_run_map_finished_at", "journal_run", ["map", "finished_at"])


def _partitions() -> None:
    op.create_table(
        "journal_partition",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("phase", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("low", sa.JSON()),
        sa.Column("high", sa.JSON()),
        sa.Column("done_at", _TIME),
        sa.PrimaryKeyConstraint(
            "run_id", "direction", "phase", "number", name="pk_journal_partition"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["journal_run.id"], name="fk_journal_partition_run_id", ondelete="CASCADE"
        ),
    )


def _tallies() -> None:
    op.create_table(
        "journal_tally",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("phase", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("parked", sa.BigInteger(), nullable=False),
        sa.Column("conflicts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "run_id", "leg", "phase", "number", "direction", name="pk_journal_tally"
        ),
        sa.ForeignKeyConstraint(
            ["run_id", "leg", "phase", "number"],
            [
                "journal_partition.run_id",
                "journal_partition.direction",
                "journal_partition.phase",
                "journal_partition.number",
            ],
            name="fk_journal_tally_run_id",
            ondelete="CASCADE",
        ),
    )


def _held_rows() -> None:
    op.create_table(
        "journal_held",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("cure", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_held"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_journal_held_map_direction_key",
        "journal_held",
        ["map", "direction", "key"],
        unique=True,
    )
    op.create_index("ix_journal_held_map_kind", "journal_held", ["map", "kind"])


def _activity_and_leases() -> None:
    op.create_table(
        "journal_activity",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("map", sa.Text()),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_journal_activity"),
    )
    op.create_index("ix_journal_activity_map_id", "journal_activity", ["map", "id"])
    op.create_table(
        "journal_lease",
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("map", name="pk_journal_lease"),
    )


def downgrade() -> None:
    for table in ("lease", "activity", "held", "tally", "partition", "run", "map"):
        op.drop_table(f"journal_{table}")
