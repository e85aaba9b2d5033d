"""How the judges of a kind of cases come into a table."""

from __future__ import annotations

from collections.abc import Callable

from tests.cases.output import Output

Judge = Callable[[Output], str]
"""Gives the complaints about what a case printed; empty where it is right."""


def into(table: dict[str, Judge], *names: str) -> Callable[[Judge], Judge]:
    """Put the judge into the table, by the names of its cases."""

    def put(judge: Judge) -> Judge:
        for name in names:
            table[name] = judge
        return judge

    return put
