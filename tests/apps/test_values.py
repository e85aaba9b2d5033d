"""Any text comes back from every app as it was, bound to a statement or spelled in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Op
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.postgresql.literals import literal
from dualwrite.apps.sql.postgresql.session import PostgresqlSession
from dualwrite.tablemap.notation import ColumnPath
from tests.apps.workshops import Workshop, table, text

QUEUE = "dualwrite_q_word_1a2b3c"
PATHS = (ColumnPath(("code",)), ColumnPath(("value",)))
CAPTURE = Capture(QUEUE, "word", PATHS[:1], ("code", "value"))
ORIGIN = Origin("words", QUEUE, epoch=1)
QUERY = Query("word", PATHS, PATHS[:1])
PIECES = ("'", '"', "\\", "%", "%s", "%%", "\n", "\r\n", "\t", ";--", "?", "?1", "$1", ":x", "{x}")
HOSTILE = (
    *(
        "'); DROP TABLE word; --",
        "\\'; SELECT 1; --",
        "%(x)s",
        "$$x$$",
        "{NULL}",
        '","',
        "/*",
        "😀",
    ),
    *("`x`", "\\0", "\\x00", "NULL", "é\u0301", "\u202e", "\\N", "a''b", "''", "\\"),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.sampled_from(HOSTILE),
)
MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def words(shop: Workshop) -> App:
    """An app with one captured table of texts."""
    shop.create(table("word", text("code", nullable=False), text("value"), key=("code",)))
    app = shop.open()
    app.install(CAPTURE)
    return app


@MANY
@given(code=TEXTS, value=TEXTS)
@example(code="'", value="\\'")
def test_a_small_batch_carries_any_text(words: App, code: str, value: str) -> None:
    _carry(words, code, value)


@pytest.mark.parametrize("code", ["\0", "a\0b", "'\0"])
def test_a_small_batch_carries_a_null_character_where_the_app_takes_it(
    shop: Workshop, words: App, code: str
) -> None:
    if shop.kind == "postgresql":
        pytest.skip("its texts hold none")
    _carry(words, code, code)


def _carry(words: App, code: str, value: str) -> None:
    """Insert, update, lock, enqueue, look up, acknowledge and delete one row."""
    keys, rows = pa.table({"code": [code]}), pa.table({"code": [code], "value": [value]})
    with words.writing(ORIGIN) as writing:
        writing.insert("word", pa.table({"code": [code], "value": [None]}), key=["code"])
        writing.update("word", rows, key=["code"])
        writing.enqueue(CAPTURE, keys, op=Op.UPDATE, changed=value)
        locked = writing.lock(QUERY, keys).rows.to_pylist()
        entries = writing.entries(CAPTURE, keys)
        writing.record_applied(code, entries.id)
    fetched = words.fetch(QUERY, keys).to_pylist()
    applied = words.inbox(code)
    with words.writing(ORIGIN) as writing:
        removed = writing.acknowledge(CAPTURE, entries.id)
        deleted = writing.delete("word", keys)
        writing.record_applied(code, pa.array([], pa.int64()))

    assert (locked, fetched) == (rows.to_pylist(), rows.to_pylist())
    assert (entries.keys.to_pylist(), entries.changed.to_pylist()) == (keys.to_pylist(), [value])
    assert (removed, deleted, len(applied.ranges)) == (1, 1, 1)


@pytest.fixture
def session(sql_shop: Workshop) -> Iterator[DatabaseSession]:
    app: Any = sql_shop.open()
    with app._pool.session() as lent:
        yield lent


@MANY
@given(value=TEXTS)
def test_a_text_is_spelled_in_a_statement_as_triggers_need_it(
    session: DatabaseSession, value: str
) -> None:
    statement = sa.select(sa.literal(value, sa.String()).label("value"))
    assert session.arrays(session.text(statement))[0].to_pylist() == [value]


@MANY
@given(value=TEXTS)
def test_a_text_is_spelled_as_functions_and_settings_of_postgresql_need_it(
    session: DatabaseSession, value: str
) -> None:
    if not isinstance(session, PostgresqlSession):
        pytest.skip("only PostgreSQL needs such texts")
    block = f"BEGIN PERFORM {literal(value)}; END"
    session.run(f"DO {literal(block)}")

    direct = session.arrays(f"SELECT {literal(value)}::text AS value", short=True)
    assert direct[0].to_pylist() == [value]
