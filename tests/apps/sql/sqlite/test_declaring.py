"""A table of SQLite keeps everything but the digits, however its owner wrote it down."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from dualwrite.apps.declaring import NotDeclaredError
from dualwrite.apps.opening import open_app
from dualwrite.apps.sql.sqlite.declaring import redeclared, too_long
from dualwrite.link import Side

WIDE = pa.decimal128(25, 10)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CREATE TABLE t (a DECIMAL_TEXT(19,4))", "CREATE TABLE t (a DECIMAL_TEXT(25,10))"),
        (
            'CREATE TABLE "t(" (b DECIMAL_TEXT(19,4), "a" decimal_text ( 19 , 4 ) NOT NULL)',
            'CREATE TABLE "t(" (b DECIMAL_TEXT(19,4), "a" decimal_text (25,10) NOT NULL)',
        ),
        (
            "CREATE TABLE t (b TEXT DEFAULT 'a (1,2), a', [a] DECIMAL_TEXT(19,4) DEFAULT (0))",
            "CREATE TABLE t (b TEXT DEFAULT 'a (1,2), a', [a] DECIMAL_TEXT(25,10) DEFAULT (0))",
        ),
        (
            "CREATE TABLE t (-- a (1,2)\n `a` DECIMAL_TEXT(19,4), CHECK (a <> '(1)'))",
            "CREATE TABLE t (-- a (1,2)\n `a` DECIMAL_TEXT(25,10), CHECK (a <> '(1)'))",
        ),
    ],
    ids=["plain", "quoted and spaced", "in a default", "beside a comment"],
)
def test_only_the_digits_of_the_column_change(before: str, after: str) -> None:
    assert redeclared(before, {"a": WIDE}) == after


def test_a_declaration_that_is_not_understood_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "app.db"
    created = "CREATE TABLE t (a DECIMAL_TEXT DEFAULT (5))"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(created)
    app = open_app(Side.DATAVERSE, f"sqlite:///{file}")

    with pytest.raises(NotDeclaredError, match="how the table is declared was not understood"):
        app.redeclare("t", {"a": WIDE})

    app.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == [(created,)]


def test_whoever_has_the_file_open_sees_the_new_digits(tmp_path: Path) -> None:
    file = tmp_path / "app.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (a DECIMAL_TEXT(19,4))")
        app = open_app(Side.DATAVERSE, f"sqlite:///{file}")
        app.redeclare("t", {"a": WIDE})
        app.close()

        assert other.execute("PRAGMA table_info(t)").fetchone()[2] == "DECIMAL_TEXT(25,10)"
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("12.3400", False),
        ("-0.0001", True),
        ("1E-10", True),
        ("0E-10", False),
        ("99.99", False),
        ("100", True),
        ("100.00", True),
        (None, False),
    ],
)
def test_a_number_is_too_long_by_its_own_digits_however_it_is_spelled(
    text: str | None, long: bool
) -> None:
    assert too_long(text, 4, 2) is long
