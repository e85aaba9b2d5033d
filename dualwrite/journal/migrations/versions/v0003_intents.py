"""Writes of both apps at once: branches that may be in doubt."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_intent",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commits", sa.Boolean()),
        sa.PrimaryKeyConstraint("name", name="pk_journal_intent"),
    )
