"""Apps, or the journal, that do not answer: one outage is one message, however many maps wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dualwrite.errors import AppBusyError, AppUnreachableError, TransientError
from dualwrite.journal.records import MapStatus
from dualwrite.logs import APP_AWAY, APP_BACK, reason_of
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.waiting import set_waits
from dualwrite.sync.session import Session

BACK_OFF = (0.5, 30.0)
"""The shortest and the longest wait for an app that is away, in seconds; doubled each time."""

JOURNAL = "journal"
CARRIED = (MapStatus.RUNNING, MapStatus.RESUMING)
"""Maps of these statuses take part; the queues of the others fill."""


@dataclass(frozen=True, slots=True)
class Outage:
    """An app, or the journal, that does not answer; `maps` wait for it.

    As text it is a line for a person: that it began, or, with `ended`, that it is over.
    """

    app: str
    reason: str
    since: datetime
    maps: tuple[str, ...] = ()
    ended: datetime | None = None

    @classmethod
    def of(cls, error: TransientError, maps: Iterable[str] = ()) -> Outage:
        """The outage that an error shows, from now on."""
        app, reason = "an app", reason_of(error)
        if isinstance(error, AppUnreachableError | AppBusyError):
            app, reason = error.app, error.reason
        return cls(app, reason, datetime.now(UTC), tuple(maps))

    @property
    def seconds(self) -> float:
        """How long it has lasted, or lasted."""
        return ((self.ended or datetime.now(UTC)) - self.since).total_seconds()

    def __str__(self) -> str:
        count = len(self.maps)
        if self.ended is not None:
            maps = "all maps go on" if self.app == JOURNAL else _plural(count, "goes on", "go on")
            return f"{self.app} answers again after {_duration(self.seconds)}; {maps}."
        maps = "All maps wait" if self.app == JOURNAL else _plural(count, "waits", "wait")
        return (
            f"{self.app} does not answer since {self.since.astimezone():%H:%M:%S} "
            f"({self.reason}). {maps} for it: changes stay queued in the apps.\n"
            "  Live goes on by itself as soon as it answers; Ctrl-C stops it."
        )


Notify = Callable[[Outage], None]
"""Called once when an outage begins and once when it is over."""


class Outages:
    """The outages of one live sync that are not over."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._open: dict[str, Outage] = {}

    def begin(self, outage: Outage) -> None:
        """An app is away; one that is known to be away already makes no message."""
        if outage.app in self._open:
            return
        self._open[outage.app] = outage
        APP_AWAY.log(
            app=outage.app,
            since=outage.since,
            maps=list(outage.maps),
            waiting=len(outage.maps),
            reason=outage.reason,
        )
        self._notify(outage)

    def update(
        self, away: Sequence[Outage], answers: Callable[[str], bool] = lambda _: True
    ) -> None:
        """These apps are away, and of the others those that do not answer when they are asked.

        A map names the app that it met first: of two that are away it is now this one and now
        that one.
        """
        for app in self._open.keys() - {each.app for each in away}:
            if not answers(app):
                continue
            over = replace(self._open.pop(app), ended=datetime.now(UTC))
            APP_BACK.log(
                app=app, since=over.since, waiting=len(over.maps), seconds=round(over.seconds, 3)
            )
            self._notify(over)
        for outage in away:
            self.begin(outage)


class BackOff:
    """Longer and longer pauses while something fails."""

    def __init__(self) -> None:
        self._pause = BACK_OFF[0]

    def reset(self) -> None:
        """Begin with the shortest again."""
        self._pause = BACK_OFF[0]

    def take(self) -> float:
        """The next pause, in seconds."""
        pause, self._pause = self._pause, min(self._pause * 2, BACK_OFF[1])
        return pause


def outages_of(results: Iterable[MapResult]) -> list[Outage]:
    """The apps for which maps wait, each with all of its maps."""
    found: dict[str, Outage] = {}
    for result in results:
        if isinstance(result.fault, AppUnreachableError):
            app = result.fault.app
            outage = found.get(app) or Outage.of(result.fault)
            found[app] = replace(outage, maps=(*outage.maps, result.map))
    return list(found.values())


def waiting_maps(
    session: Session, names: Sequence[str] | None, error: TransientError
) -> list[MapResult]:
    """The maps that wait, as `error` let no cycle begin; the journal gets the reason.

    None where it is the journal that does not answer.
    """
    try:
        records = session.journal.maps.all()
        waiting = [
            each.name
            for each in records
            if each.status in CARRIED and (names is None or each.name in names)
        ]
        for name in waiting:
            set_waits(session, name, error)
    except TransientError:
        return []
    return [MapResult(name, note=str(error), fault=error) for name in waiting]


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} map {one}" if count == 1 else f"{count:,} maps {many}"


def _duration(seconds: float) -> str:
    """`12 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = round(seconds)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
