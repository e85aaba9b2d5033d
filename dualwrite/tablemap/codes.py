"""The codes of all faults of table maps: what each means, and its usual cure.

The numbers up to 1031 are the original's: `DW1002` has the meaning of `DIPV1002` (1009 and
1013 were never given out).  From 1100 up they are ours.  A code keeps its meaning for
ever; scripts and the documentation rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of fault: its number, its general title, the usual cure."""

    code: str
    title: str
    cure: str
    severity: Severity = "error"


_TABLE = (
    Code("DW1000", "an app of the link does not answer", "see `dualwrite check`"),
    Code("DW1001", "the check itself broke off", "report it, with the map and this text"),
    Code(
        "DW1002",
        "one side belongs to companies, the other does not",
        "give `company:` on both sides, or on neither",
    ),
    Code(
        "DW1003", "no integration key", "name the natural key: `key: [COLUMN, ...]` on both sides"
    ),
    Code(
        "DW1004",
        "a key column is one-way on a two-way map",
        "make it two-way (= or ><), or make every other column one-way",
    ),
    Code(
        "DW1005",
        "an environment variable that dualwrite.toml names is not set",
        "set it where the command is started",
    ),
    Code(
        "DW1006",
        "another project has an unfinished run of the map in this journal",
        "finish or stop it there, or give this project a journal of its own",
    ),
    Code(
        "DW1007",
        "the map last ran against other apps than the link names now",
        "put the old apps back, or stop the map and run it with an initial sync",
    ),
    Code(
        "DW1008",
        "the map names a company that takes no part in the link",
        "correct the name, or add it to `companies` in dualwrite.toml",
    ),
    Code(
        "DW1010",
        "a mandatory destination column gets no value",
        "map it, or give it a constant: `none >> column: {default: ...}`",
    ),
    Code(
        "DW1011",
        "the destination is read-only",
        "turn the column's sign round, or map the column that the app fills it from",
    ),
    Code("DW1012", "a filter cannot be read", "see docs/reference/filters.md for what it may hold"),
    Code(
        "DW1014",
        "a key column is not mapped onto the other side's key",
        "add the column to `columns`",
    ),
    Code(
        "DW1015",
        "a lookup is reached by a column that is no key of its table",
        "reach it by the integration key of that table",
    ),
    Code(
        "DW1016",
        "an app does not hold a company of the link",
        "create the company there, or take it out of `companies` in dualwrite.toml",
    ),
    Code(
        "DW1017",
        "a global map looks into a table that belongs to companies",
        "map the company part of the lookup too, or give the map a `company:`",
    ),
    Code("DW1018", "the source table is not there", "create it, or correct the map"),
    Code(
        "DW1019",
        "no column of the table identifies its rows, so changes cannot be captured",
        "add a primary key, or a unique index over the map's key columns",
    ),
    Code("DW1020", "the destination table is not there", "create it, or correct the map"),
    Code("DW1021", "no source column", "name one, or give a constant: {default: ...}"),
    Code("DW1022", "the source table has no such column", "correct the name, or add the column"),
    Code(
        "DW1023",
        "two columns write back to one source column",
        "make all but one of them one-way (>)",
    ),
    Code("DW1024", "no destination column", "name one, or take the line out"),
    Code(
        "DW1025", "the destination table has no such column", "correct the name, or add the column"
    ),
    Code("DW1026", "two columns write one destination column", "take one of them out"),
    Code(
        "DW1027",
        "a lookup of the destination is reached by a part of its table's key only",
        "map the other key columns through the lookup too",
    ),
    Code(
        "DW1028",
        "a lookup of the source is reached by a part of its table's key only",
        "map the other key columns through the lookup too",
    ),
    Code(
        "DW1029",
        "a value map cannot be read backwards",
        "give each meaning one value a side, or make the column one-way",
    ),
    Code(
        "DW1030",
        "the types do not fit",
        "map it onto a column of a fitting type, or add a transform",
    ),
    Code(
        "DW1031",
        "a mandatory destination column may get no value, and no default is given",
        "add {default: ...}; without it the rows with no value are rejected",
        "warning",
    ),
    Code(
        "DW1100",
        "the file is not YAML",
        "correct the line; docs/reference/map-file.md shows the shape",
    ),
    Code("DW1101", "a word that a map does not know", "take it out"),
    Code("DW1102", "a value of another shape than the word wants", "write it as shown"),
    Code("DW1103", "a part is missing", "add it"),
    Code(
        "DW1104",
        "a column or path that does not follow the notation",
        "write FINOPS_COLUMN sign dataverse_column, odd names in double quotes",
    ),
    Code(
        "DW1105",
        "a transform that is not known",
        "take it out, or use `python: package.module:function`",
    ),
    Code("DW1106", "a transform with options that it does not take", "write it as shown"),
    Code(
        "DW1107",
        "a plain sign with a transform",
        "cross or double the sign: = as ><, > as >>, < as <<",
    ),
    Code("DW1108", "a transforming sign without a transform", "write = for ><, > for >>, < for <<"),
    Code(
        "DW1109",
        "a two-way column with a transform that cannot be undone",
        "make the column one-way, or give the inverse: {python: {function: m:f, inverse: m:g}}",
    ),
    Code(
        "DW1110",
        "a transform on a key column may make two keys one",
        "carry the key as it is, or through a value map",
    ),
    Code("DW1111", "file and map have different names", "give them one name"),
    Code(
        "DW1112",
        "a shared value map that is not there",
        "create maps/values/NAME.yaml, or write the values in place",
    ),
    Code("DW1113", "YAML reads it as another value than is written", "quote it"),
    Code("DW1114", "a word is there twice", "keep one"),
    Code(
        "DW1115",
        "a lookup's table has no unique index over the columns it is found by",
        "add one: without it a lookup may find two rows, and each is slow",
        "warning",
    ),
    Code(
        "DW1116",
        "a lookup that must be filled in later does not take null",
        "let the column be null, or break the circle of maps elsewhere",
    ),
    Code(
        "DW1117",
        "the newest row is to win, but a side does not record when a row changed",
        "give `modified: COLUMN` on both sides, or another master or policy",
    ),
    Code(
        "DW1118",
        "the filter looks at a column that the map does not carry",
        "map it, so that a change of it is noticed",
        "warning",
    ),
    Code(
        "DW1119",
        "the filter compares a column with a value of another type",
        "compare it with a value of its type",
    ),
    Code(
        "DW1120",
        "a path leads through a column that is no lookup",
        "name the table that it points at: `lookups: {column: table}`",
    ),
    Code("DW1121", "a word that is none of those known here", "use one of them"),
    Code("DW1122", "the map depends on one that is not there", "correct the name", "warning"),
    Code(
        "DW1123",
        "a rule is given for a column that the map does not carry",
        "correct the name, or map the column",
    ),
    Code("DW1124", "two files hold one map", "keep one"),
    Code("DW1125", "a version that is not four numbers", "write it as 1.0.0.0"),
    Code(
        "DW1126", "a file cannot be read", "check that it is there, is UTF-8 text, and may be read"
    ),
    Code(
        "DW1128",
        "a function that cannot be imported",
        "put its module beside dualwrite.toml, or install it where dualwrite runs",
    ),
    Code(
        "DW1129",
        "dated rows that the map cannot keep as declared",
        "see `effective` in docs/reference/map-file.md",
    ),
    Code(
        "DW1130",
        "a quantity that cannot be converted as declared",
        "see `quantity` in docs/reference/map-file.md",
    ),
    Code(
        "DW1131",
        "amounts in the currency of the company, and none is known",
        "give each company its accounting currency",
    ),
    Code(
        "DW1132",
        "an expectation that cannot be evaluated",
        "see `expect` in docs/reference/map-file.md",
    ),
    Code(
        "DW1133",
        "a column is written by another map over the same two tables too",
        "carry it in one of the two maps",
        "warning",
    ),
    Code(
        "DW1134",
        "times with a zone meet times without",
        "name the zone of the end that has none: `zone: UTC`, or that of its local times",
        "warning",
    ),
    Code(
        "DW1135",
        "a table of the app's own schema is named with its schema",
        "write its name without the schema: each table has one name",
    ),
    Code(
        "DW1136",
        "our user may not move the sequence that numbers a column which the map writes",
        "grant select, update on the sequence; without it the app's own new rows are refused "
        "where their numbers are taken",
        "warning",
    ),
)

CODES: Mapping[str, Code] = {code.code: code for code in _TABLE}
