"""Fixtures of tests/sync."""

from tests.sync.conftest import empty_journal, new_world

__all__ = ["empty_journal", "new_world"]
