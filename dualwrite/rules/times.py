"""Local times: the clocks of their zone show them, and where it matters, only once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.times import to_timestamp
from dualwrite.exact.casts.zones import (
    COMPANY,
    CompanyZones,
    by_zone,
    come_back,
    local_times,
    moments_of,
)
from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule, certain, column_of
from dualwrite.rules.wording import shown


@dataclass(frozen=True)
class LocalTime(Rule):
    """The times of `source` are on the clocks of `zone`, an IANA name.

    With `whole` each also comes back as it was from the local time of `into`: of the two moments
    that share one there, where an hour comes twice, only the first does.  The word `company` in
    either is the zone of the company in the column `company`: that of `zones` which has the
    place of the company in `companies`, else `otherwise`.
    """

    name: ClassVar[str] = "local_time"

    source: str = ""
    zone: str = "UTC"
    into: str = "UTC"
    whole: bool = False
    company: str = ""
    companies: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    otherwise: str = "UTC"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name in (self.source, self.company) if name)

    @property
    def cure(self) -> str:
        named = plain_name(self.source)
        return f"correct {named} at the source, or keep it as a time with a zone on both sides"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.source)
        if not self.company:
            return self._off_the_clock(values, self.zone, self.into)
        return by_zone(
            self._known.of(column_of(table, self.company)),
            lambda each: self._off_the_clock(values, *self._ends(each)),
        )

    def _off_the_clock(self, values: pa.Array, zone: str, into: str) -> pa.BooleanArray:
        moments = moments_of(values, zone)
        lost = moments.is_null()
        if pc.any(lost).as_py():
            # what is no time at all is for another rule
            lost = pc.and_(lost, to_timestamp(values, pa.timestamp("us")).is_valid())
        if not self.whole:
            return lost
        return pc.or_(lost, certain(pc.invert(come_back(moments, into))))

    @property
    def _known(self) -> CompanyZones:
        return CompanyZones(self.otherwise, tuple(zip(self.companies, self.zones, strict=True)))

    def _ends(self, own: str) -> tuple[str, str]:
        """Both zones, of rows whose company has the zone `own`."""
        zone, into = (own if end == COMPANY else end for end in (self.zone, self.into))
        return zone, into

    def reason(self, row: Mapping[str, Any], /) -> str:
        text = f"{plain_name(self.source)} is {shown(row[self.source])}"
        zone, into = self.zone, self.into
        if self.company:
            (own,) = self._known.of(pa.array([row[self.company]], pa.string())).to_pylist()
            zone, into = self._ends(own)
        moment = moments_of(pa.array([row[self.source]]), zone)
        if not moment[0].is_valid:
            return f"{text}, which the clocks of {zone} skip"
        local = local_times(moment, into)
        back = moments_of(local, into)
        if getattr(row[self.source], "tzinfo", None) is None:
            back = local_times(back, zone)
        there, back = shown(local[0].as_py()), shown(back[0].as_py())
        return f"{text}, in {into} {there}, which comes twice: it would come back as {back}"
