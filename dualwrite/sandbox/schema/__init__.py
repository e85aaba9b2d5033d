"""The tables of both sample apps, and the statements that make them.

Tables are data: one YAML file a side and area, one line a column.  The finops side is
keyed by natural keys, as the ERP's entities are; on the dataverse side every row has an
id of its own, which lookups hold and nobody outside sees, and a unique index over the key
that people know.  Lengths differ between the sides where they do in the original.
"""

from dualwrite.sandbox.schema.creating import create_tables
from dualwrite.sandbox.schema.definition import ColumnDef, ColumnKind, TableDef, sandbox_tables

__all__ = ["ColumnDef", "ColumnKind", "TableDef", "create_tables", "sandbox_tables"]
