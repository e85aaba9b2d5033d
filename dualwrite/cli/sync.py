"""`dualwrite sync` and `dualwrite live`: changes carried now, or as they come."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.counts import print_counts, print_sums, print_unseen
from dualwrite.cli.options import HERE, Json, Project, Verbose, map_names
from dualwrite.cli.output import plural, print_json, print_line, print_message, wrapped
from dualwrite.connections.silence import hurry
from dualwrite.link import AppNames, Side, app_names
from dualwrite.operations.counts import MapCounts, total

if TYPE_CHECKING:
    from dualwrite.operations.commands.live import Outage

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MAP", autocompletion=map_names, help="Maps that run.", show_default="all that run"
    ),
]
_END_SECONDS = 25.0
"""How long the border of a cycle is waited for once somebody asks for the end."""
_ENDS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
_KINDS = ("read", "written", "deleted", "rejected", "parked", "conflicts")


def sync(
    names: Names = None,
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="However many rows of a side this deletes."),
    ] = False,
    verbose: Verbose = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Carry everything that has queued on either side across, once.

    A map whose app does not answer waits, with its reason; the others go on, and the exit
    code is 1. A cycle that would delete more than a fifth of a side's rows is refused,
    unless you allow it.

    \b
    Examples:
      dualwrite sync
      dualwrite sync customers-v3--accounts
    """
    from dualwrite.cli.progress import bars
    from dualwrite.errors import TransientError
    from dualwrite.operations.commands.sync import not_begun
    from dualwrite.operations.commands.sync import sync as carry
    from dualwrite.operations.session import open_session

    with open_session(project) as session, bars("maps") as shown:
        try:
            done = carry(session, names or None, allow_deletes=allow_deletes, progress=shown.step)
        except TransientError as error:
            done = not_begun(session, names or None, error)
        print_unseen(session, names or None)
    if as_json:
        print_json(done.as_dict())
    else:
        _print_cycle(done.maps, session.link.names, every=verbose)
    if done.waiting:
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
    stays in the apps' queues. Maps that are paused, resumed, run or stopped meanwhile are
    left or taken up within a second or two. An app or a journal that does not answer is
    waited for, at the start too: one line says so, and one that it is back.

    \b
    Examples:
      dualwrite live
      dualwrite live customers-v3--accounts --for 60
    """
    from dualwrite.operations.commands.live import live as stay
    from dualwrite.operations.session import open_session

    shown = _Shown(app_names(project), quiet=as_json)
    with ExitStack() as stack:
        stopped = stack.enter_context(_until_asked())
        done = stay(
            lambda: stack.enter_context(open_session(project)),
            names or None,
            seconds=seconds,
            stopped=stopped,
            started=shown.started,
            report=shown.report,
            notify=shown.notify,
            caution=shown.caution,
        )
    if as_json:
        print_json(done.as_dict())
    elif done.maps:
        print_line("\nIn all:")
        print_counts(done.maps, _KINDS, shown.apps)
    else:
        print_line("Nothing changed on either side.")


class _Shown:
    """Prints what was done, line by line, and each reason for which a map waits, once."""

    def __init__(self, apps: AppNames, *, quiet: bool) -> None:
        self.apps = apps
        self._notes: dict[str, str] = {}
        self._quiet = quiet

    def notify(self, outage: Outage) -> None:
        """Print that an app or the journal is away, or back."""
        print_message(self.apps.in_text(str(outage)))

    def caution(self, lines: Sequence[str]) -> None:
        """Print which changes are not seen."""
        for line in lines:
            print_message(wrapped(self.apps.in_text(line), further="  "))

    def started(self, _: object) -> None:
        """The maps are known; from now on changes are carried."""
        if not self._quiet:
            print_message("Live. Ctrl-C stops it; what is not across yet stays in the queues.")

    def report(self, maps: Sequence[MapCounts]) -> None:
        """Print what was done since the last call."""
        self._report_notes({each.map: each.note for each in maps if each.note and not each.away})
        for each in maps:
            if each.counts and not self._quiet:
                print_line(f"{datetime.now():%H:%M:%S} {each.map}: {_line(each, self.apps)}")  # noqa: DTZ005 - as clocks here show it
                sys.stdout.flush()

    def _report_notes(self, notes: dict[str, str]) -> None:
        """Print each new reason once, however many maps have it, and which maps go on."""
        new: dict[str, list[str]] = {}
        for name, note in notes.items():
            if self._notes.get(name) != note:
                new.setdefault(note, []).append(name)
        for note, names in new.items():
            verb = "waits" if len(names) == 1 else "wait"
            print_message(f"{', '.join(names)} {verb}: {self.apps.in_text(note)}")
        if over := sorted(self._notes.keys() - notes.keys()):
            print_message(f"{', '.join(over)} {'goes' if len(over) == 1 else 'go'} on.")
        self._notes = notes


def _line(result: MapCounts, apps: AppNames) -> str:
    parts = []
    for side in Side:
        counts = result.toward(side.other)
        if moved := counts.written + counts.deleted:
            parts.append(f"{moved:,} to {apps.of(side.other)}")
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


def _print_cycle(results: Sequence[MapCounts], apps: AppNames, *, every: bool) -> None:
    if not results:
        print_line("No map runs: nothing was synced. Start one with: dualwrite run MAP")
        return
    shown = [result for result in results if result.counts or result.note]
    print_counts(results if every else shown, _KINDS, apps, every=every)
    if not shown:
        print_line(f"Nothing was pending in {plural(len(results), 'map')}.")
        return
    print_sums(results, plural(len(results), "map"))
    if waiting := sum(bool(result.note) for result in results):
        print_line(f"{plural(waiting, 'map waits', 'maps wait')}.")


@contextmanager
def _until_asked() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one ends the process."""
    stopped, ended = threading.Event(), threading.Event()
    before: dict[int, Any] = {}

    def asked(number: int, _frame: object) -> None:
        stopped.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, asked) for number in _ENDS}
    try:
        with _heard(stopped, ended) if before else nullcontext():
            yield stopped
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _heard(stopped: threading.Event, ended: threading.Event) -> Iterator[None]:
    """A thread hears of a signal also while a driver does not let Python run its handler."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        with reading:
            while (heard := reading.recv(1)) and heard[0] not in _ENDS:
                pass
        if not heard:
            return
        stopped.set()
        hurry()
        if not ended.wait(_END_SECONDS):
            print_message(
                "An app or the journal did not answer: ended without it. What is committed stays, "
                "what is not across yet stays in the queues."
            )
            os._exit(1)

    threading.Thread(target=wait, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writing.close()
