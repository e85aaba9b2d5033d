"""Where every map stands, read and printed without SQLAlchemy, Arrow, Typer or Rich."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dualwrite.cli.output import (
    plural,
    print_json,
    print_table,
    say,
    say_waiting,
    stamp,
    wrapped,
)
from dualwrite.cli.pending import AT_MOST, Pending, count_pending
from dualwrite.journal.overview import read_overview
from dualwrite.journal.records import MapRecord
from dualwrite.link import Side, load_link

_SHORT = 100.0
"""Below so many units a time is told in them: 90 s, and not 2 min."""


def print_status(project: Path, as_json: bool) -> None:
    """Print the status of all maps of a project.

    Raises:
        ConfigError, TransientError, PermanentError: The project or its journal is at fault.
    """
    link = load_link(project)
    maps = _maps(link.journal_url)
    pending = count_pending(link, maps)
    if as_json:
        print_json({"maps": [_as_dict(each, pending) for each in maps]})
        return
    if not maps:
        say("No map has run yet. Choose one with dualwrite maps, then: dualwrite run MAP")
        return
    _print_maps(maps, pending)
    for each in maps:
        if each.waits is not None:
            first = each.waits.partition("\n")[0]
            say("\n" + wrapped(f"{each.name} waits: {first}", further="  "))
    for side in sorted(pending.not_asked, key=lambda side: side.value):
        say(f"\nPending in {side.value}: as the last cycle left it; {side.value} was not asked.")
    if open_ones := sum(each.conflicts for each in maps):
        wait = plural(open_ones, "conflict waits", "conflicts wait")
        say(f"\n{wait} for a decision: dualwrite conflicts")
    say_waiting(sum(each.rejected + each.parked for each in maps))


def _print_maps(maps: Sequence[MapRecord], pending: Pending) -> None:
    """The table; a column of which nothing is to be told is left out."""
    now = datetime.now(UTC)
    rows = [
        {
            "Map": each.name,
            "Status": each.status.value,
            "Pending": _capped([pending.of(each, side) for side in Side]),
            "Rejected": f"{each.rejected:,}",
            "Parked": f"{each.parked:,}",
            "Conflicts": f"{each.conflicts:,}",
            "Lag": "" if each.lag is None else _seconds(each.lag.p95),
            "Last cycle": "" if each.last_cycle_at is None else _ago(now - each.last_cycle_at),
        }
        for each in maps
    ]
    dull = {"Conflicts": "0", "Lag": "", "Last cycle": ""}
    heads = [head for head in rows[0] if any(row[head] != dull.get(head) for row in rows)]
    numbers = [head for head in heads if head not in ("Map", "Status")]
    print_table(heads, [[row[head] for head in heads] for row in rows], numbers=numbers)
    if "Lag" in heads:
        say("\nLag: 95 of 100 changes of the last 15 minutes were across within it.")


def _maps(journal_url: str) -> Sequence[MapRecord]:
    maps = read_overview(journal_url)
    if maps is not None:
        return maps
    from dualwrite.journal.store import Journal

    with Journal.open(journal_url) as journal:
        return journal.maps.all()


def _as_dict(each: MapRecord, pending: Pending) -> dict[str, object]:
    return {
        "map": each.name,
        "status": each.status.value,
        "pending": {side.value: pending.of(each, side) for side in Side},
        "pending_as_of_last_cycle": sorted(side.value for side in pending.not_asked),
        "rejected": each.rejected,
        "parked": each.parked,
        "conflicts": each.conflicts,
        "last_cycle_at": stamp(each.last_cycle_at),
        "lag": None
        if each.lag is None
        else {name: round(value, 4) for name, value in each.lag.as_dict().items()},
        "waits": each.waits,
    }


def _capped(counts: Sequence[int]) -> str:
    more = "+" if any(count >= AT_MOST for count in counts) else ""
    return f"{sum(counts):,}{more}"


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else _coarse(seconds)


def _ago(since: timedelta) -> str:
    return f"{_coarse(max(0.0, since.total_seconds()))} ago"


def _coarse(seconds: float) -> str:
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds / size < _SHORT:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
