"""What every check works with: the map, both schemas, the other maps, and the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from dualwrite.errors import DualWriteError, MissingTableError
from dualwrite.link import Side
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.codes import Severity
from dualwrite.tablemap.findings import Finding, did_you_mean
from dualwrite.tablemap.model import ColumnMap, Place, TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, Reference, TableSchema, UnknownPathError, end_of_path

SchemaOf = Callable[[Side, str], TableSchema]


class _UnseenError(Exception):
    """A schema could not be read; its finding is recorded already."""


@dataclass(slots=True)
class Context:
    """One check of one map."""

    map: TableMap
    schema_of: SchemaOf
    catalogue: Catalogue | None
    findings: list[Finding] = field(default_factory=list)
    _schemas: dict[tuple[Side, str], TableSchema | None] = field(default_factory=dict)
    _paths: dict[tuple[Side, ColumnPath], Column | None] = field(default_factory=dict)

    def add(
        self,
        code: str,
        message: str,
        *,
        column: ColumnMap | None = None,
        word: str = "",
        cure: str | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Record a fault, at the line of the column or of the map's word, else at the map's."""
        place: Place = column.place if column else self.map.places.get(word, self.map.place)
        self.findings.append(
            Finding.of(
                code,
                message,
                map_name=self.map.name,
                place=place,
                cure=cure,
                severity=severity,
            )
        )

    def name(self, side: Side) -> str:
        """The map's table on a side, as messages name it."""
        return f"{side.value}.{self.map.end(side).table}"

    def schema(self, side: Side, table: str | None = None) -> TableSchema | None:
        """A table, the map's own by default; None, with a finding, where it cannot be read."""
        wanted = table or self.map.end(side).table
        if (side, wanted) not in self._schemas:
            self._schemas[side, wanted] = self._asked(side, wanted)
        return self._schemas[side, wanted]

    def _asked(self, side: Side, table: str) -> TableSchema | None:
        try:
            return self.schema_of(side, table)
        except MissingTableError as error:
            code = "DW1018" if self.is_source(side) else "DW1020"
            near = " or ".join(map(repr, error.near))
            cure = f"did you mean {near}?" if near else None
            why = f": {error.reason}" if error.reason else ""
            self.add(code, f"{side.value} has no table {table!r}{why}", cure=cure)
        except DualWriteError as error:
            reason = str(error).partition("\n")[0]
            self.add("DW1000", f"{side.value} cannot be asked for {table!r}: {reason}")
        return None

    def check_name(self, side: Side, named: str, schema: TableSchema) -> None:
        """Record a table that has another name: maps and lookups meet by the names of tables."""
        if named != schema.name:
            self.add(
                "DW1135",
                f"{named!r} is the table {schema.name!r} of {side.value}: its schema is the one "
                "that the app's URL leads to",
                word=side.value,
                cure=f"write {schema.name} for {named}",
            )

    def is_source(self, side: Side) -> bool:
        """Whether values come from `side`; of a two-way map the left side, finops, is meant."""
        if self.map.flows_from(side.other):
            return side is Side.FINOPS and self.map.flows_from(side)
        return True

    def column(
        self, side: Side, path: ColumnPath, column_map: ColumnMap | None = None
    ) -> Column | None:
        """The column at the end of a path; None, with a finding, where it leads nowhere."""
        if (side, path) not in self._paths:
            self._paths[side, path] = self._followed(side, path, column_map)
        return self._paths[side, path]

    def _followed(
        self, side: Side, path: ColumnPath, column_map: ColumnMap | None
    ) -> Column | None:
        def schema_of(table: str) -> TableSchema:
            found = self.schema(side, table)
            if found is None:
                raise _UnseenError
            return found

        end = self.map.end(side)
        try:
            for table, column in path.targets[1:]:
                end_of_path(ColumnPath((column,)), table.lower(), schema_of, {})
            return end_of_path(path, end.table, schema_of, end.lookups)
        except UnknownPathError as error:
            self._unknown(side, path, error, schema_of(error.table), column_map)
        except _UnseenError:
            pass
        return None

    def _unknown(
        self,
        side: Side,
        path: ColumnPath,
        error: UnknownPathError,
        schema: TableSchema,
        column: ColumnMap | None,
    ) -> None:
        where = f"{side.value}.{error.table}"
        if error.points_nowhere:
            self.add(
                "DW1120",
                f"{path}: {where} column {error.column!r} points at no table",
                column=column,
                cure=f"name the table that it points at: "
                f"`lookups: {{{error.column}: table}}` of {side.value}",
            )
            return
        is_source = self.is_source(side) if column is None else is_source_of(column, side)
        self.add(
            "DW1022" if is_source else "DW1025",
            f"{path}: {where} has no column {error.column!r}",
            column=column,
            cure=did_you_mean(error.column, schema.columns),
        )

    def types(self, side: Side, paths: Sequence[ColumnPath]) -> Mapping[ColumnPath, pa.DataType]:
        """The types of the paths that lead somewhere."""
        found = {path: self.column(side, path) for path in paths}
        return {path: column.type for path, column in found.items() if column is not None}

    def reference(self, side: Side, column: str) -> Reference | None:
        """What a lookup column of the map's own table points at."""
        end, schema = self.map.end(side), self.schema(side)
        declared = schema.columns.get(column) if schema else None
        return end.lookups.get(column) or (declared.references if declared else None)


def is_source_of(column: ColumnMap, side: Side) -> bool:
    """Whether `side` is where the column comes from; left, where it goes both ways."""
    if len(column.sign.sources) > 1:
        return side is Side.FINOPS
    return column.flows_from(side)
