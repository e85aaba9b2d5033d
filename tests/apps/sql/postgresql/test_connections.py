"""Sessions of PostgreSQL: what they set, where a pooler hands them on, and other encodings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dualwrite.apps.sql.core.watch import Polling
from dualwrite.apps.sql.postgresql.listening import Listening
from dualwrite.apps.transactions import Written
from dualwrite.connections import postgresql
from dualwrite.errors import RowsRefusedError
from tests.apps.capturing import CAPTURE, QUEUE, recorded
from tests.apps.reading import customers, held, of_customers
from tests.apps.workshops import CUSTOMER, GROUP, KEY, Workshop, workshop
from tests.apps.writings import OURS
from tests.servers.running import Server

SETTINGS = ("lock_timeout", "random_page_cost", "TimeZone", "dualwrite.origin")


@pytest.fixture
def shop(postgresql_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    with workshop("postgresql", fresh_database, lambda _: postgresql_server) as made:
        yield made


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a pooler stood before the server, which takes no settings at the start."""
    monkeypatch.setattr(postgresql, "MARK", "another.mark")
    real = postgresql.address
    monkeypatch.setattr(postgresql, "address", lambda url, settings=None: real(url))


def settings(app: Any) -> set[tuple[Any, ...]]:
    """What the next owner of our idle sessions finds."""
    found = set()
    for session in app._pool._idle:
        with session._connection.cursor() as cursor:
            cursor.execute(
                "SELECT "
                + ", ".join(f"coalesce(current_setting('{n}', true), '')" for n in SETTINGS)
            )
            found.add(cursor.fetchone())
    return found


@pytest.mark.usefixtures("pooled")
def test_behind_a_pooler_nothing_is_set_beyond_our_transactions(shop: Workshop) -> None:
    shop.create(GROUP, CUSTOMER)
    app = shop.open()
    with shop.hand() as hand:
        told = hand.rows(
            "SELECT " + ", ".join(f"coalesce(current_setting('{n}', true), '')" for n in SETTINGS)
        )
    theirs = set(map(tuple, told))

    app.install(CAPTURE)
    many = [f"C{number}" for number in range(500)]
    with app.writing(OURS) as writing:
        writing.insert("customer", customers(*many), key=KEY)
        assert writing.update("customer", customers("C1", name="x"), key=KEY) == Written(updated=1)
    assert app.write("customer", customers("D1", name="y"), key=KEY) == Written(inserted=1)
    assert len(app.fetch(of_customers("name"), customers("C1", "D1"))) == 2
    assert len(app.fetch(of_customers("name"), customers(*many))) == 500
    assert app.pending([QUEUE]) == {QUEUE: 1}
    assert recorded(app)
    with pytest.raises(RowsRefusedError):
        app.write("customer", customers("D2", name="n" * 100), key=KEY)
    assert app.count(of_customers()) == 501
    assert app.resolve_prepared("dualwrite_none", commit=True)

    assert settings(app) == theirs


@pytest.mark.usefixtures("pooled")
def test_behind_a_pooler_changes_are_asked_for(shop: Workshop) -> None:
    shop.create(GROUP, CUSTOMER)
    app = shop.open()
    app.install(CAPTURE)

    watch: Any = app.watch([QUEUE])

    assert isinstance(watch._watch, Polling)
    app.write("customer", customers("D1"), key=KEY)
    assert watch.wait(5)
    watch.close()


def test_a_session_of_our_own_has_its_settings_from_the_start(shop: Workshop) -> None:
    shop.create(GROUP, CUSTOMER)
    app = shop.open(patience=7.0)
    app.install(CAPTURE)

    watch: Any = app.watch([QUEUE])

    assert settings(app) == {("7s", "1.1", "UTC", "")}
    assert isinstance(watch._watch, Listening)
    watch.close()


def test_the_options_of_a_url_stay(shop: Workshop) -> None:
    shop.execute("CREATE SCHEMA erp", "CREATE TABLE erp.t (a int PRIMARY KEY)")

    app = shop.open(f"{shop.url}{'&' if '?' in shop.url else '?'}options=-c%20search_path%3Derp")

    assert app.tables() == ["t"]
    assert app.pending([]) == {}
    assert app.privileges("t")


@pytest.mark.parametrize("rows", [2, 600])
def test_a_database_of_another_encoding_keeps_its_texts(
    shop: Workshop, postgresql_server: Server, rows: int
) -> None:
    name = "dw_latin1"
    postgresql_server.execute(
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    latin = Workshop(
        "postgresql", shop.url.replace(shop.url.partition("?")[0].rpartition("/")[2], name)
    )
    latin.server = postgresql_server
    latin.create(GROUP, CUSTOMER)
    app = latin.open()
    app.install(CAPTURE)
    numbers = [f"Größe {number}" for number in range(rows)]

    app.write("customer", customers(*numbers, name="Señor"), key=KEY, fresh=True)
    with pytest.raises(RowsRefusedError, match="no equivalent in encoding"):
        app.write("customer", customers("X", name="Łódź"), key=KEY)

    with latin.hand() as hand:
        stored = hand.rows("SELECT DISTINCT length(name), name::bytea::text FROM customer")
    assert [tuple(row) for row in stored] == [(5, "\\x5365f16f72")]
    assert {row["number"] for row in held(app, of_customers("name"))} == set(numbers)
    latin.close()
    postgresql_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
