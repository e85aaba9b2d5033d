"""Both ways: conflicts, what cycles did by the minute, marks of captures, why a map waits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_COUNTED = ("read", "written", "unchanged", "deleted", "rejected", "parked", "conflicts")


def upgrade() -> None:
    op.add_column("journal_held", sa.Column("changed", sa.JSON()))
    for name in ("marks", "pending"):
        empty = sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
        op.add_column("journal_map", empty)
    op.add_column("journal_map", sa.Column("waits", sa.Text()))
    _conflicts()
    _cycles()


def _conflicts() -> None:
    op.create_table(
        "journal_conflict",
        sa.Column("id", _ID, nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME),
        sa.Column("finops", sa.JSON()),
        sa.Column("dataverse", sa.JSON()),
        sa.Column("changed_finops", sa.JSON()),
        sa.Column("changed_dataverse", sa.JSON()),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_conflict"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_journal_conflict_map_token", "journal_conflict", ["map", "token"], unique=True
    )
    op.create_index("ix_journal_conflict_map_status", "journal_conflict", ["map", "status"])


def _cycles() -> None:
    op.create_table(
        "journal_cycle",
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("batches", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTED),
        sa.Column("lags", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("map", "direction", "minute", name="pk_journal_cycle"),
    )


def downgrade() -> None:
    op.drop_table("journal_cycle")
    op.drop_table("journal_conflict")
    for name in ("waits", "pending", "marks"):
        op.drop_column("journal_map", name)
    op.drop_column("journal_held", "changed")
