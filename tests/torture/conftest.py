"""The small world of the sync room."""

from tests.sync.conftest import empty_journal, new_world

__all__ = ["empty_journal", "new_world"]
