"""`dualwrite status`: where every map stands.

It is asked often, by people and by monitors, so it must answer at once: it goes
through `journal.glance` and imports neither SQLAlchemy nor Arrow.
"""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import moment, print_json, print_table, say, stamp
from dualwrite.journal.glance import glance
from dualwrite.journal.records import MapRecord
from dualwrite.link import Side, load_link


def status(project: Project = HERE, as_json: Json = False) -> None:
    """Show where every map stands.

    Pending: changed rows that the next cycle carries across, by the side they changed on.

    \b
    Examples:
      dualwrite status
      dualwrite status --json | jq '.maps[] | select(.rejected > 0).map'
    """
    link = load_link(project)
    maps = _maps(link.journal_url)
    if as_json:
        print_json({"maps": [_as_dict(each) for each in maps]})
        return
    if not maps:
        say("No map has run yet. Choose one with dualwrite maps, then: dualwrite run MAP")
        return
    print_table(
        ["Map", "Status", "Rejected", "Parked", "Conflicts", "Last cycle"],
        [
            [
                each.name,
                each.status.value,
                f"{each.rejected:,}",
                f"{each.parked:,}",
                f"{each.conflicts:,}",
                moment(each.last_cycle_at),
            ]
            for each in maps
        ],
        numbers=["Rejected", "Parked", "Conflicts"],
    )
    if waiting := sum(each.rejected + each.parked for each in maps):
        say(f"\n{waiting:,} rows wait; dualwrite errors says why.")


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
