"""Texts spelled in PostgreSQL's statements: what neither takes bound values nor may ask for them.

Those are settings, names of prepared transactions and the bodies of functions.  Everything else
is bound.
"""

from __future__ import annotations


def literal(text: str) -> str:
    """A text in a statement; sessions of ours and our functions let no backslash escape."""
    return "'" + text.replace("'", "''") + "'"
