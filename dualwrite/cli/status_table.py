"""The status of every map, printed without SQLAlchemy, Arrow, Typer and Rich."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dualwrite.cli.output import plural, print_json, print_line, print_table, print_waiting, wrapped
from dualwrite.link import Side
from dualwrite.operations.pending import AT_MOST
from dualwrite.operations.queries.status import MapState, Silence, status
from dualwrite.operations.wording import unseen

_SHORT = 100.0
"""Below so many units a time is shown in them: 90 s, and not 2 min."""


def print_status(project: Path, as_json: bool, names: Sequence[str] = ()) -> None:
    """Print the status of the maps that are named, or of all that have run.

    Raises:
        UnknownMapError: A name is of no map.
        ConfigError, TransientError, PermanentError: The project or its journal is at fault.
    """
    found = status(project, names)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.maps and names:
        print_line(f"Not running: {', '.join(names)}. Start it with: dualwrite run MAP")
        return
    if not found.maps:
        print_line("No map has run yet. Choose one with dualwrite maps, then: dualwrite run MAP")
        return
    _print_maps(found.maps)
    for side, silence in found.silent.items():
        print_line("\n" + wrapped(_silence(found.apps.of(side), silence), further="  "))
    told = {name for silence in found.silent.values() for name in silence.maps}
    for each in found.maps:
        if each.waits is not None and each.map not in told:
            first = each.waits.partition("\n")[0]
            print_line(
                "\n" + wrapped(f"{each.map} waits: {found.apps.in_text(first)}", further="  ")
            )
    for each in found.maps:
        for line in each.unseen:
            text = unseen(each.map, found.apps.in_text(line))
            print_line("\n" + wrapped(text, further="  "))
    for side in sorted(found.not_asked, key=lambda side: side.value):
        app = found.apps.of(side)
        print_line(f"\nPending in {app}: as of the last cycle; {app} was not asked.")
    if open_ones := sum(each.conflicts for each in found.maps):
        wait = plural(open_ones, "conflict waits", "conflicts wait")
        print_line(f"\n{wait} for a decision: dualwrite conflicts")
    print_waiting(sum(each.rejected + each.parked for each in found.maps))


def _silence(app: str, silence: Silence) -> str:
    """That an app does not answer, since when, and which maps wait for it."""
    if silence.since is None:
        heard = (
            "" if silence.heard is None else f"; last heard in the cycle of {_when(silence.heard)}"
        )
        return f"{app}: no answer{heard}."
    maps = plural(len(silence.maps), "map waits", "maps wait")
    return f"{app}: no answer since {_when(silence.since)} {silence.reason} {maps} for it."


def _when(at: datetime) -> str:
    """The minute, here; with its day where that is not today."""
    local = at.astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"


def _print_maps(maps: Sequence[MapState]) -> None:
    """The table; a column with nothing to show is left out."""
    now = datetime.now(UTC)
    rows = [
        {
            "Map": each.map,
            "Status": each.status,
            "Pending": _capped([each.pending[side] for side in Side]),
            "Rejected": f"{each.rejected:,}",
            "Parked": f"{each.parked:,}",
            "Conflicts": f"{each.conflicts:,}",
            "Lag": "" if each.lag is None else _seconds(each.lag.p95),
            "Last cycle": "" if each.last_cycle_at is None else _ago(now - each.last_cycle_at),
        }
        for each in maps
    ]
    empty = {"Conflicts": "0", "Lag": "", "Last cycle": ""}
    heads = [head for head in rows[0] if any(row[head] != empty.get(head) for row in rows)]
    numbers = [head for head in heads if head not in ("Map", "Status")]
    print_table(heads, [[row[head] for head in heads] for row in rows], numbers=numbers)
    if "Lag" in heads:
        print_line("\nLag: 95 of 100 changes of the last 15 minutes were across within it.")


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
