"""Connections to servers are made in one place."""

from __future__ import annotations

import re
from pathlib import Path

import dualwrite

HOUSE = Path(dualwrite.__file__).parent
CONNECTS = re.compile(r"\b(?:psycopg|pymysql|dbapi)\.connect\(|\bcreate_engine\(|set_config\(")
FILES = {
    # SQLite opens files, each in its own way
    "apps/sql/sqlite/dialect.py",
    "journal/database.py",
}


def test_nobody_else_connects() -> None:
    found = {
        str(path.relative_to(HOUSE))
        for path in HOUSE.rglob("*.py")
        if CONNECTS.search(path.read_text(encoding="utf-8"))
    }

    assert found - FILES == {
        f"connections/{name}.py" for name in ("engines", "mysql", "postgresql")
    }
