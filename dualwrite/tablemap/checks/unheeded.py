"""Words that are read and kept to their shape, but that no run heeds yet.

Who writes such a word relies on it, so a check says that nothing heeds it, and what does the
work meanwhile.  A word that says what happens anyway is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.model import TableMap

_MEANWHILE = {
    "expect": "rely on the rules in docs/reference/rules.md only, which every map has",
}


def check_unheeded(context: Context) -> None:
    """Every such word that the map has."""
    for word in _unheeded(context.map):
        context.add(
            "DW1127",
            f"{word} is read, but has no effect yet",
            word=word,
            mend=f"take it out, or {_MEANWHILE[word]}",
        )


def _unheeded(table_map: TableMap) -> Iterator[str]:
    default = TableMap("", "", "", "", {}, (), table_map.place)
    for word in _MEANWHILE:
        if getattr(table_map, word) != getattr(default, word):
            yield word
