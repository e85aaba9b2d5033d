"""A table map as the engine uses it: read, resolved, and never changed again.

`dualwrite.tablemap.reading` makes it from YAML; `dualwrite.tablemap.checks`
holds it against two schemas.  Here are only the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from dualwrite.exact.casts.zones import NO_ZONES, CompanyZones
from dualwrite.link import Side
from dualwrite.money import Own
from dualwrite.tablemap.notation import ColumnPath, Notation, Sign
from dualwrite.tablemap.schema import Reference


class Master(Enum):
    """Who wins in the initial sync where both sides hold the same key."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"
    NEWEST = "newest"
    FILL_BLANKS = "fill blanks only"


class Unmapped(Enum):
    """What a value map does with a value that it does not list."""

    REJECT = "reject"
    PASS = "pass"  # noqa: S105 - no password
    USE = "use"


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Pairs of (finops value, dataverse value); None is null.  Numbers and booleans stay such."""

    pairs: tuple[tuple[str | int | bool | None, str | int | bool | None], ...]
    unmapped: Unmapped = Unmapped.REJECT
    fallback: str | int | bool | None = None
    name: str | None = None
    """Name of a shared value map (maps/values/NAME.yaml), None for one written in place."""


@dataclass(frozen=True, slots=True)
class Transform:
    """One step of a column map: `kind` as in the map file, `options` as written there.

    The kinds are those of `dualwrite.tablemap.transforms`; `values` has its `ValueMap`
    in `value_map`.
    """

    kind: str
    options: Any = None
    value_map: ValueMap | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a map file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One line under `columns:`."""

    notation: Notation
    transforms: tuple[Transform, ...]
    place: Place

    @property
    def sign(self) -> Sign:
        """The direction."""
        return self.notation.sign

    def end(self, side: Side) -> ColumnPath | None:
        """The path on `side`, None for `none`."""
        return self.notation.end(side)

    def flows_from(self, side: Side) -> bool:
        """Whether values of this column leave `side`."""
        return side in self.sign.sources


@dataclass(frozen=True, slots=True)
class End:
    """One side of a table map."""

    table: str
    key: tuple[ColumnPath, ...]
    company: ColumnPath | None = None
    filter: str | None = None
    """OData `$filter`, already parsed once without a fault."""
    modified: ColumnPath | None = None
    """When the row last changed, for master and conflict policy `newest`."""
    zone: str | None = None
    """The zone of its times without a zone, by its IANA name; None where none is given."""
    modified_zone: str | None = None
    """That of `modified` where it has none: its own, else the end's."""
    lookups: Mapping[str, Reference] = field(default_factory=dict)
    """Lookup columns that the database declares no foreign key for."""


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """One expectation beside what is derived, as written."""

    name: str
    options: Mapping[str, Any]
    severity: Literal["critical", "warning"]
    into: Side | None
    """Only of rows that are written into this side; None: into either."""
    place: Place


@dataclass(frozen=True, slots=True)
class TableMap:
    """A whole map.  `columns` are in the order of the file."""

    name: str
    title: str
    version: str
    publisher: str
    ends: Mapping[Side, End]
    columns: tuple[ColumnMap, ...]
    place: Place
    master: Master = Master.DATAVERSE
    companies: tuple[str, ...] | None = None
    """Only these; None for all of the link."""
    companies_excluded: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    max_rejected: str | None = None
    money: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quantity: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    effective: Mapping[str, Any] | None = None
    conflicts: Mapping[str, Any] = field(default_factory=dict)
    expect: tuple[ExpectedRule, ...] = ()
    replay: str = "newest"
    when_left: str = "keep"
    own_currencies: Own = ()
    """Those that the project defines beside ISO 4217, for `money`."""
    company_zones: CompanyZones = NO_ZONES
    """The zones of the link's companies, for the zone `company`."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """The place of each word of the map."""

    def end(self, side: Side) -> End:
        """The map's half on `side`."""
        return self.ends[side]

    def flows_from(self, side: Side) -> bool:
        """Whether any column's values leave `side`."""
        return any(column.flows_from(side) for column in self.columns)

    def is_company_specific(self) -> bool:
        """Whether its rows belong to companies."""
        return self.end(Side.FINOPS).company is not None
