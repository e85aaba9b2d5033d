"""How a map writes the names of tables.

`orders` is a table of the app's own schema, `sales.orders` the table `orders` of the schema
`sales`: a schema of PostgreSQL, another database of a MariaDB or MySQL server.  A name that
holds a dot, or begins with a double quote, stands in double quotes, a quote inside doubled:
`"a.b"`, `sales."a.b"`.  Everything that names a table holds such a text in its one canonical
spelling, so two tables of one name in two schemas are two texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_PART = r'"(?:[^"]|"")+"|[^."][^.]*'
_NAME = re.compile(rf"(?:(?P<schema>{_PART})\.)?(?P<table>{_PART})")
_BARE = re.compile(r'[^."][^.]*')


class NotationError(ValueError):
    """A name, path or column map that does not follow the notation."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, and the schema that it stands in; None for the one that the app's URL leads to."""

    table: str
    schema: str | None = None

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Read a name.

        Raises:
            NotationError: `text` is none.
        """
        return _parsed(text)

    def __str__(self) -> str:
        parts = (self.table,) if self.schema is None else (self.schema, self.table)
        return ".".join(part if _BARE.fullmatch(part) else quoted(part) for part in parts)


def quoted(name: str) -> str:
    """A name in double quotes, those inside it doubled."""
    return '"{}"'.format(name.replace('"', '""'))


def unquoted(text: str) -> str:
    """The name that `text` stands for, in quotes or bare."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


@lru_cache(maxsize=4096)
def _parsed(text: str) -> TableName:
    found = _NAME.fullmatch(text)
    if found is None:
        msg = f"{text!r} is not a table, nor schema.table"
        raise NotationError(msg)
    schema = found["schema"]
    return TableName(unquoted(found["table"]), None if schema is None else unquoted(schema))
