"""Alembic migrations of the journal, run by `dualwrite.journal.upgrade`."""
