"""Our own transactions: what is acknowledged is on disk, and no lock is held for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from dualwrite.apps.sql.postgresql import capture
from dualwrite.errors import TransientError
from tests.apps.capturing import CAPTURE
from tests.apps.reading import customers
from tests.apps.workshops import CUSTOMER, GROUP, KEY, Workshop, workshop
from tests.apps.writings import OURS
from tests.servers.running import Server


@pytest.fixture
def shop(postgresql_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty PostgreSQL."""
    with workshop("postgresql", fresh_database, lambda _: postgresql_server) as made:
        yield made


@pytest.mark.parametrize(
    ("theirs", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_our_commits_are_on_disk_whatever_the_database_does_by_default(
    shop: Workshop, theirs: str, ours: str
) -> None:
    shop.create(GROUP, CUSTOMER)
    with shop.hand() as hand:
        database = hand.rows("SELECT current_database()")[0][0]
    shop.execute(
        f'ALTER DATABASE "{database}" SET synchronous_commit = {theirs}',
        "CREATE TABLE seen (commits text, patience text)",
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen "
        "VALUES (current_setting('synchronous_commit'), "
        "current_setting('idle_in_transaction_session_timeout')); RETURN NULL; END $$",
        "CREATE TRIGGER look AFTER INSERT ON customer EXECUTE FUNCTION look()",
    )
    app = shop.open()
    app.install(CAPTURE)

    with app.writing(OURS) as writing:
        writing.insert("customer", customers("C1"), key=KEY)

    with shop.hand() as hand:
        assert hand.rows("SELECT * FROM seen") == [(ours, "75s")]


def test_a_reader_who_is_gone_does_not_stand_in_the_way_of_the_application(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.create(GROUP, CUSTOMER)
    app = shop.open()
    app.install(CAPTURE)
    app.write("customer", customers("C1"), key=KEY)
    short = "SET LOCAL idle_in_transaction_session_timeout = '200ms'"
    monkeypatch.setattr(capture, "READS_END", short)

    def read() -> int:
        return len(snapshot.entries(CAPTURE, limit=10))

    with suppress(TransientError), app.snapshot() as snapshot:
        assert read() == 1
        time.sleep(1)
        shop.execute("SET lock_timeout = '2s'; ALTER TABLE customer ADD COLUMN later int")
        with pytest.raises(TransientError):
            read()

    with app.snapshot() as snapshot:
        assert read() == 1
