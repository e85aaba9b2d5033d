"""Engines for any database that a URL names."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dualwrite.connections import mysql, postgresql


def engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    """A SQLAlchemy engine; a URL without a driver takes the one that we bring.

    Raises:
        sqlalchemy.exc.ArgumentError: It is no URL.
    """
    parsed = sa.make_url(url)
    match parsed.get_backend_name():
        case "postgresql":
            return postgresql.engine(parsed, **options)
        case "mysql" | "mariadb":
            return mysql.engine(parsed, **options)
        case _:
            return sa.create_engine(parsed, **options)
