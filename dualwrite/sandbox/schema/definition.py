"""What a sandbox table is, read from the YAML files beside this one.

A column is one line: `text(20)`, `memo` (text without a limit), `integer`, `choice` (the
number of an option), `boolean`, `money`, `decimal(28,10)`, `date`, `timestamp`, `-> table`, a
lookup that holds the id of a row there, or `id`, a lookup into one of several tables, which
its `<column>type` tells.  `required` behind it means not null, `default X` that the app fills
it in.

Two things no file repeats: a dataverse table has an id, `<table>id`, as its primary key;
and every table says when its row last changed (`MODIFIEDDATETIME`, `modifiedon`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import pyarrow as pa
from ruamel.yaml import YAML

from dualwrite.link import Side

_COLUMN = re.compile(
    r"(?:(?P<kind>[a-z]+)(?:\((?P<size>[0-9]+)(?:,(?P<scale>[0-9]+))?\))?|-> (?P<to>\w+))"
    r"(?P<required> required)?(?: default (?P<default>\w+))?"
)
_MODIFIED = {Side.FINOPS: "MODIFIEDDATETIME", Side.DATAVERSE: "modifiedon"}


class ColumnKind(Enum):
    """What a column holds, whatever the database calls it."""

    TEXT = "text"
    MEMO = "memo"
    INTEGER = "integer"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    MONEY = "money"
    DECIMAL = "decimal"
    DATE = "date"
    TIMESTAMP = "timestamp"
    ID = "id"


@dataclass(frozen=True, slots=True)
class ColumnDef:
    """One column."""

    name: str
    kind: ColumnKind
    length: int | None = None
    """Characters of a text, digits of a decimal."""
    scale: int | None = None
    required: bool = False
    default: str | None = None
    references: str | None = None
    """The table whose id it holds."""

    @property
    def arrow(self) -> pa.DataType:
        """The canonical type that its values travel in."""
        match self.kind:
            case ColumnKind.TEXT | ColumnKind.MEMO | ColumnKind.ID:
                return pa.string()
            case ColumnKind.INTEGER | ColumnKind.CHOICE:
                return pa.int64()
            case ColumnKind.BOOLEAN:
                return pa.bool_()
            case ColumnKind.MONEY | ColumnKind.DECIMAL:
                return pa.decimal128(self.length, self.scale)
            case ColumnKind.DATE:
                return pa.date32()
            case ColumnKind.TIMESTAMP:
                return pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class TableDef:
    """One table; `key` is what people know a row by."""

    side: Side
    name: str
    key: tuple[str, ...]
    columns: Mapping[str, ColumnDef]

    @property
    def id_column(self) -> str | None:
        """The id that the app gives its rows; the finops side has none."""
        return f"{self.name}id" if self.side is Side.DATAVERSE else None

    @property
    def arrow_schema(self) -> pa.Schema:
        """Its columns in canonical types."""
        return pa.schema([(column.name, column.arrow) for column in self.columns.values()])


@cache
def sandbox_tables(side: Side) -> Mapping[str, TableDef]:
    """Every table of one sample app, by name."""
    tables: dict[str, TableDef] = {}
    folder = files("dualwrite.sandbox.schema").joinpath(side.value)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        for name, entry in content.items():
            tables[name] = _table(side, name, entry)
    return tables


def _table(side: Side, name: str, entry: Mapping[str, Mapping[str, str]]) -> TableDef:
    columns = [_column(column, text) for column, text in entry["columns"].items()]
    if side is Side.DATAVERSE:
        columns.insert(0, ColumnDef(f"{name}id", ColumnKind.ID, required=True, default="id"))
    columns.append(ColumnDef(_MODIFIED[side], ColumnKind.TIMESTAMP, required=True, default="now"))
    return TableDef(side, name, tuple(entry["key"]), {column.name: column for column in columns})


def _column(name: str, text: str) -> ColumnDef:
    found = _COLUMN.fullmatch(text)
    if found is None:
        msg = f"sandbox column {name}: {text!r} is no column"
        raise ValueError(msg)
    required, default = found["required"] is not None, found["default"]
    if found["to"]:
        return ColumnDef(name, ColumnKind.ID, required=required, references=found["to"])
    kind = ColumnKind(found["kind"])
    length = int(found["size"]) if found["size"] else None
    scale = int(found["scale"]) if found["scale"] else None
    if kind is ColumnKind.MONEY:
        length, scale = 19, 4
    return ColumnDef(name, kind, length, scale, required=required, default=default)
