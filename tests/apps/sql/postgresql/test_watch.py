"""Waiting for changes of PostgreSQL: by notifications, or by polling where none may be sent."""

from __future__ import annotations

import pytest

from dualwrite.apps.app import App
from dualwrite.apps.sql.postgresql import capture as capture_postgresql
from dualwrite.apps.sql.postgresql import function as postgresql_function
from dualwrite.errors import AppRefusedError
from tests.apps.capturing import CAPTURE, QUEUE, customer
from tests.apps.sql.postgresql.test_capture import connected, shop
from tests.apps.workshops import Workshop

__all__ = ["shop"]


def test_a_lost_connection_is_made_again(shop: Workshop, watched: App) -> None:
    watch = watched.watch([QUEUE])
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query = 'LISTEN dualwrite'"
    )
    shop.execute(end)

    assert watch.wait(10)  # an entry may have been missed
    assert not watch.wait(0.02)
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
    assert watch.wait(10)
    watch.close()


def test_a_server_that_is_gone_is_reported(shop: Workshop, watched: App) -> None:
    watch = watched.watch([QUEUE])
    assert shop.server is not None
    shop.server.drop(shop.url)

    for _ in range(2):
        with pytest.raises(AppRefusedError):
            watch.wait(10)
    watch.close()


def test_where_transactions_may_be_prepared_nobody_is_notified(
    shop: Workshop, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that has notified cannot be prepared."""
    for module in (capture_postgresql, postgresql_function):
        monkeypatch.setattr(module, "NOTIFIES", "current_setting('port') = ''")
    app.install(CAPTURE)
    watch = app.watch([QUEUE])
    with connected(shop) as ear:
        ear.execute("LISTEN dualwrite")
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        assert watch.wait(10)
        assert list(ear.notifies(timeout=0.02)) == []

    assert not watch.wait(0.02)
    watch.close()


def test_a_queue_that_comes_back_is_watched_again(
    shop: Workshop, watched: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_postgresql, "NOTIFIES", "false")
    watch = watched.watch([QUEUE, "dualwrite_q_none"])
    shop.drop_table(QUEUE)
    assert not watch.wait(0.02)

    watched.install(CAPTURE)
    assert not watch.wait(0.02)
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
    assert watch.wait(10)
    watch.close()
