"""Plain names: conflicts are open, closed or undone."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("journal_conflict", "settled_at", new_column_name="closed_at")
    op.execute("UPDATE journal_conflict SET status = 'closed' WHERE status = 'settled'")
    op.rename_table("journal_intent", "journal_prepared_write")
    op.alter_column("journal_tally", "leg", new_column_name="partition_direction")
    op.rename_table("journal_tally", "journal_partition_count")
    op.execute(
        """UPDATE journal_map SET marks = CAST(
        REPLACE(CAST(marks AS TEXT), '"looked"', '"valid_as_of"') AS JSON)"""
        if op.get_bind().dialect.name == "postgresql"
        else """UPDATE journal_map SET marks = REPLACE(marks, '"looked"', '"valid_as_of"')"""
    )
