"""Time zones by their IANA names, such as `Europe/Berlin`."""

from __future__ import annotations

import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def near_zones(name: str) -> str:
    """A cure for a name that there is not: the zones that look most like it."""
    known = {zone.casefold(): zone for zone in available_timezones()}
    near = difflib.get_close_matches(name.strip().casefold(), known, n=2, cutoff=0.6)
    hint = " or ".join(repr(known[zone]) for zone in near)
    return f"did you mean {hint}?" if hint else "write an IANA name, such as Europe/Berlin"
