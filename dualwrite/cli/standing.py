"""Where every map stands, read and printed without SQLAlchemy, Arrow, Typer or Rich."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dualwrite.cli.output import print_json, print_table, say, say_waiting, stamp
from dualwrite.journal.glance import glance
from dualwrite.journal.records import MapRecord
from dualwrite.link import Side, load_link


def print_status(project: Path, as_json: bool) -> None:
    """Print the status of all maps of a project.

    Raises:
        ConfigError, TransientError, PermanentError: The project or its journal is at fault.
    """
    maps = _maps(load_link(project).journal_url)
    if as_json:
        print_json({"maps": [_as_dict(each) for each in maps]})
        return
    if not maps:
        say("No map has run yet. Choose one with dualwrite maps, then: dualwrite run MAP")
        return
    numbers = ["Rejected", "Parked"]
    print_table(
        ["Map", "Status", *numbers],
        [[each.name, each.status.value, f"{each.rejected:,}", f"{each.parked:,}"] for each in maps],
        numbers=numbers,
    )
    say_waiting(sum(each.rejected + each.parked for each in maps))


def _maps(journal_url: str) -> Sequence[MapRecord]:
    maps = glance(journal_url)
    if maps is not None:
        return maps
    from dualwrite.journal.store import Journal

    with Journal.open(journal_url) as journal:
        return journal.maps()


def _as_dict(each: MapRecord) -> dict[str, object]:
    return {
        "map": each.name,
        "status": each.status.value,
        "pending": {side.value: 0 for side in Side},
        "rejected": each.rejected,
        "parked": each.parked,
        "conflicts": each.conflicts,
        "last_cycle_at": stamp(each.last_cycle_at),
    }
