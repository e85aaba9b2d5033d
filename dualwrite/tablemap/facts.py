"""The facts of a compiled flow from which rules are derived, by column of the gate table.

The packages `translate` and `rules` do not know each other; both know these types.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dualwrite.effective import Periods
from dualwrite.exact.casts.zones import NO_ZONES, CompanyZones
from dualwrite.money import Kind, Own


@dataclass(frozen=True, slots=True)
class MoneyFacts:
    """The money options of a column whose currency the map names."""

    kind: Kind
    policy: str
    """`reject`, or `round:half_even` and the like."""
    code: str
    """The one currency of the whole column, or ''."""
    currency: str
    """The gate column of the currency, or ''."""
    company: str = ""
    """The gate column of the company in whose currency it is, or ''."""
    books: tuple[tuple[str, str], ...] = ()
    """Companies and their accounting currencies, for `company`."""
    own: Own = ()
    """The currencies that the project defines beside ISO 4217."""


@dataclass(frozen=True, slots=True)
class QuantityFacts:
    """The gate columns that belong to a converted quantity."""

    problem: str
    """Why it could not be converted."""
    unit: str
    """Its unit at the source, or ''."""
    symbol: str
    """The one unit of the whole column there, or ''."""
    returned: str
    """What it would come back as, or '' for one that goes one way."""


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """The zones between which a time without a zone goes."""

    source: str
    target: str
    """`UTC` where the target keeps the moment."""
    whole: bool
    """Whether the time must come back as it was: of a key."""
    company: str = ""
    """The gate column of the company whose zone the word `company` means, or ''."""
    companies: CompanyZones = NO_ZONES


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One target column, named as in the gate table."""

    target: str
    origin: str | None
    """`source:<path>`, what the source app holds; None for a constant."""
    before_cast: str | None
    """The gate column whose value was cast to the target; None where no cast can lose one."""
    type: pa.DataType
    nullable: bool
    length: int | None
    from_float: bool
    fraction: int | None = None
    """Digits of a second that a time keeps, where these are not all."""
    octets: int | None = None
    """Longest text or binary in bytes."""
    padded: bool = False
    """Shorter binaries are filled up, and blanks at the end of a text not kept."""
    range: tuple[str, str] | None = None
    """Least and greatest value, where the type alone would say more."""
    single: bool = False
    """A binary float of 4 bytes."""
    exact: bool = True
    """False where the column may bend digits, as SQLite's NUMERIC."""
    members: tuple[str, ...] = ()
    """The only texts that it holds, where they are listed."""
    pattern: str | None = None
    """What its texts look like, where it keeps no others as they are."""
    spelled: str | None = None
    """The gate column with the text of which a key is made that another text could make too;
    None where each value is made of one alone."""
    known: tuple[str, ...] | None = None
    """The texts that a value map lists, where it rejects all others."""
    to_null: tuple[str, ...] = ()
    """Those of them that the map makes null."""
    money: MoneyFacts | None = None
    quantity: QuantityFacts | None = None
    zones: ZoneFacts | None = None


@dataclass(frozen=True, slots=True)
class LookupFacts:
    """One lookup column of the target."""

    reference: str
    """The gate column with what was found."""
    ambiguous: str
    """The gate column that holds whether more than one row was found."""
    parts: tuple[str, ...]
    """The gate columns that make up the key, the company left out."""
    tables: tuple[str, ...]
    required: bool = False
    """Whether the lookup column cannot be null."""


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """All target columns and the integration key."""

    columns: tuple[ColumnFacts, ...]
    key: tuple[str, ...]
    periods: Periods | None = None
    """The gate columns that hold from when and until when a row is valid."""
