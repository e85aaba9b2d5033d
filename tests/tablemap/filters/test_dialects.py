"""The SQL of each dialect: no wildcard, no collation, no other letter may change an answer."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.filters.sql import to_sqlalchemy

ROWS = sa.table("t", sa.column("name", sa.String()), sa.column("id", sa.Uuid()))


def sql(text, dialect):
    condition = to_sqlalchemy(parse_filter(text), lambda path: ROWS.c[str(path)])
    compiled = condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (sqlite.dialect(), "instr((t.name COLLATE BINARY), ('a_b' COLLATE BINARY)) > 0"),
        (postgresql.dialect(), """strpos((t.name COLLATE "C"), ('a_b' COLLATE "C")) > 0"""),
        (
            mysql.dialect(),
            (
                "instr(CAST(CONVERT(t.name USING utf8mb4) AS BINARY), "
                "CAST(CONVERT('a_b' USING utf8mb4) AS BINARY)) > 0"
            ),
        ),
    ],
    ids=["sqlite", "postgresql", "mysql"],
)
def test_a_text_is_searched_by_position(dialect, expected):
    assert sql("contains(name,'a_b')", dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (sqlite.dialect(), "(lower(t.name) COLLATE BINARY) = ('x' COLLATE BINARY)"),
        (
            postgresql.dialect(),
            """(lower(t.name COLLATE "C") COLLATE "C") = ('x' COLLATE "C")""",
        ),
    ],
    ids=["sqlite", "postgresql"],
)
def test_only_the_letters_a_to_z_are_folded(dialect, expected):
    assert sql("tolower(name) eq 'x'", dialect) == expected


def test_mysql_folds_letter_by_letter():
    """Its own `upper` knows É, and Arrow's here does not."""
    found = sql("toupper(name) eq 'X'", mysql.dialect())

    assert found.count("replace(") == 26
    assert "replace(t.name, 'a', 'A')" in found


def test_a_uuid_is_compared_as_its_text():
    found = sql("id eq 6F9619FF-8B86-D011-B42D-00CF4FC964FF", postgresql.dialect())

    assert found == (
        """(CAST(t.id AS VARCHAR) COLLATE "C") = """
        """('6f9619ff-8b86-d011-b42d-00cf4fc964ff' COLLATE "C")"""
    )


def test_a_literal_never_ends_its_own_quotes():
    found = sql("name eq 'x'' or 1=1 --'", postgresql.dialect())

    assert found == """(t.name COLLATE "C") = ('x'' or 1=1 --' COLLATE "C")"""


def test_literals_are_bound_unless_asked_otherwise():
    condition = to_sqlalchemy(parse_filter("name in ('a','b')"), lambda path: ROWS.c[str(path)])

    compiled = condition.compile(dialect=sqlite.dialect())

    assert "'a'" not in str(compiled)
    assert list(compiled.params.values()) == ["a", "b"]
