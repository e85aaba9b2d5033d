"""`dualwrite sync` and `dualwrite live`: changes carried now, or as they come."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.counts import print_counts, total
from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, say, tell
from dualwrite.journal.records import Counts
from dualwrite.link import Side

if TYPE_CHECKING:
    from dualwrite.sync.batch.results import MapResult

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MAP", help="Maps that run.", show_default="all that run"),
]
_ENDS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
_KINDS = ("read", "written", "deleted", "rejected", "parked", "conflicts")


def sync(
    names: Names = None,
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="However many rows of a side this deletes."),
    ] = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Carry everything that has queued on either side across, once.

    A map whose app is away waits and says so, the others go on; exit code 1 then. A cycle
    that would delete more than a fifth of a side's rows is refused, unless you allow it.

    \b
    Examples:
      dualwrite sync
      dualwrite sync customers-v3--accounts
    """
    from dualwrite.cli.progress import bars
    from dualwrite.sync.cycle.runner import run_cycle
    from dualwrite.sync.session import open_session

    with open_session(project) as session, bars("maps") as shown:
        results = run_cycle(
            session, names or None, progress=shown.step, allow_deletes=allow_deletes
        )
    if as_json:
        print_json({"maps": [result.as_dict() for result in results]})
    else:
        _print_cycle(results)
    if any(result.note for result in results):
        raise typer.Exit(1)


def live(
    names: Names = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--for", metavar="SECONDS", min=0, help="Stop after so long.", show_default="never"
        ),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Stay, and carry each change as it commits.

    Ctrl-C stops it; nothing is lost then, nor when it is killed: what is not across yet
    stands in the apps' queues. Maps that are paused, resumed, run or stopped meanwhile are
    left or taken up within a second or two.

    \b
    Examples:
      dualwrite live
      dualwrite live customers-v3--accounts --for 60
    """
    from dualwrite.sync.cycle.live import run_live
    from dualwrite.sync.session import open_session

    shown = _Shown(quiet=as_json)
    with open_session(project) as session, _until_asked() as stopped:
        for name in names or ():
            session.map(name)
        if not as_json:
            tell("Live. Ctrl-C stops it; what is not across yet stays in the queues.")
        run_live(session, names or None, seconds=seconds, report=shown.report, stopped=stopped)
    if as_json:
        print_json({"maps": [result.as_dict() for result in shown.results.values()]})
    elif shown.results:
        say("\nIn all:")
        print_counts(list(shown.results.values()), _KINDS)
    else:
        say("Nothing changed on either side.")


class _Shown:
    """Adds up what was done, and tells it line by line."""

    def __init__(self, *, quiet: bool) -> None:
        self.results: dict[str, MapResult] = {}
        self._quiet = quiet

    def report(self, results: Mapping[str, MapResult]) -> None:
        """Take in what was done since the last time."""
        for name, result in results.items():
            if name not in self.results:
                self.results[name] = type(result)(name)
            mine = self.results[name]
            mine.seconds += result.seconds
            for direction, counts in result.counts.items():
                mine.counts[direction] = mine.counts.get(direction, Counts()) + counts
            if result.note != mine.note:
                mine.note = result.note
                if result.note:
                    tell(f"{name} waits: {result.note}")
            if result.counts and not self._quiet:
                say(f"{datetime.now():%H:%M:%S} {name}: {_line(result)}")  # noqa: DTZ005 - as clocks here show it
                sys.stdout.flush()


def _line(result: MapResult) -> str:
    parts = []
    for side in Side:
        counts = result.counts.get(side.direction, Counts())
        if moved := counts.written + counts.deleted:
            parts.append(f"{moved:,} to {side.other.value}")
    sums = total([result])
    parts += [
        f"{count:,} {what}"
        for count, what in (
            (sums.rejected, "rejected"),
            (sums.parked, "parked"),
            (sums.conflicts, "in conflict"),
        )
        if count
    ]
    return ", ".join(parts) or f"{sums.read:,} equal already"


def _print_cycle(results: Sequence[MapResult]) -> None:
    if not results:
        say("No map runs: nothing was carried. Start one with: dualwrite run MAP")
        return
    told = [result for result in results if result.counts or result.note]
    print_counts(told, _KINDS)
    if not told:
        say(f"Nothing was pending in {plural(len(results), 'map')}.")
        return
    sums = total(results)
    moved = plural(sums.written + sums.deleted, "row")
    held = sums.rejected + sums.parked
    waiting = sum(bool(result.note) for result in results)
    say(
        f"\n{moved} carried, {held:,} held back{': dualwrite errors' if held else '.'}"
        + (f"\n{plural(waiting, 'map waits', 'maps wait')}." if waiting else "")
    )


@contextmanager
def _until_asked() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C, or a polite end of the process, sets; the second ends it."""
    stopped = threading.Event()
    before: dict[int, Any] = {}

    def asked(number: int, _frame: object) -> None:
        stopped.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, asked) for number in _ENDS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
