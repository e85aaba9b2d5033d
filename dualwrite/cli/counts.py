"""What a run or a cycle did, by map and direction, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dualwrite.cli.output import columns_of_terminal, plural, print_line, print_message, wrapped
from dualwrite.link import AppNames, Side
from dualwrite.operations.counts import MapCounts, total

if TYPE_CHECKING:
    from dualwrite.operations.session import Session

FEW = 5
"""Of more maps than this only those are shown of which there is something to tell."""
_FIRST = 20
_HEADS = {
    "read": "Read",
    "written": "Written",
    "deleted": "Deleted",
    "unchanged": "Equal",
    "rejected": "Rejected",
    "parked": "Parked",
    "conflicts": "Conflicts",
}

_TOGETHER = "\N{NO-BREAK SPACE}"


def print_counts(
    results: Sequence[MapCounts], kinds: Sequence[str], apps: AppNames, *, every: bool = False
) -> None:
    """Print results under headings; `kinds` are the counts to show, as `Counts` names them.

    Of more than `FEW` maps those that did nothing are left out, unless `every` one is wanted.
    """
    if len(results) > FEW and not every:
        results = [each for each in results if each.note or _moved(each)]
    first = max(_FIRST, *(len(f"  to {apps.of(side)} ") for side in Side))
    width = max(9, (80 - first) // len(kinds))
    fits = first + width * len(kinds) <= columns_of_terminal()
    if fits and any(result.counts for result in results):
        print_line(" " * first + "".join(f"{_HEADS[kind]:>{width}}" for kind in kinds))
    for result in results:
        if result.away and not result.counts:
            continue
        print_line(result.map)
        for line in [] if result.away else result.note.splitlines():
            print_line(wrapped(apps.in_text(line.strip()), "  "))
        for side in Side:
            counts = result.toward(side.other).as_dict()
            shown = {kind: counts[kind] for kind in kinds}
            where = f"  to {apps.of(side.other)}"
            if fits and any(shown.values()):
                cells = "".join(f"{each:>{width},}" for each in shown.values())
                print_line(f"{where:<{first}}{cells}")
            elif any(shown.values()):
                told = (
                    f"{count:,} {_HEADS[kind].lower()}" for kind, count in shown.items() if count
                )
                print_line(f"{where}: {', '.join(told)}")
    _print_away(results, apps)


def print_sums(
    maps: Sequence[MapCounts], what: str, *, why: str = "dualwrite errors", dry_run: bool = False
) -> None:
    """Print the counts of all maps together in one line; `what` says how many maps there are."""
    sums = total(maps)
    held = sums.rejected + sums.parked
    written, kept = ("to write", "to hold") if dry_run else ("written", "held")
    deleted = f", {sums.deleted:,} deleted" if sums.deleted else ""
    line = (
        f"{what}; {plural(sums.read, 'row')} read, {sums.written:,} {written}{deleted}, "
        f"{sums.unchanged:,} equal, {held:,} {kept}"
    )
    whole = why.replace(" ", _TOGETHER)  # a command is copied from one line
    text = wrapped(line + (f": {whole}" if held and why else "."))
    print_line("\n" + text.replace(_TOGETHER, " "))


def _moved(result: MapCounts) -> bool:
    """Whether anything was done with a row of a map, or is to be done by a person."""
    sums = total([result])
    return any((sums.written, sums.deleted, sums.rejected, sums.parked, sums.conflicts))


def print_unseen(session: Session, names: Sequence[str] | None) -> None:
    """Say of each of these maps, or of all, which changes its capture does not see."""
    from dualwrite.operations.queries.health import unseen

    for line in unseen(session, names):
        print_message(wrapped(session.link.names.in_text(line), further="  "))


def _print_away(results: Sequence[MapCounts], apps: AppNames) -> None:
    """Print each app that does not answer once, with how many maps wait for it."""
    for app in dict.fromkeys(result.away for result in results if result.away):
        waiting = [result for result in results if result.away == app]
        for line in waiting[0].note.splitlines():
            print_line(wrapped(apps.in_text(line.strip()), "  " if line.startswith(" ") else ""))
        maps = plural(len(waiting), "map waits", "maps wait")
        print_line(apps.in_text(f"  {maps} for {app}; their changes stay queued."))
