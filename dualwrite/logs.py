"""Logging of the engine: one line an event, as text for people or as JSON for machines.

Quiet unless asked: without a handler of the program's own, or `dualwrite --log`, nothing is
written.  Every event is a constant of this module, with its level, message and fields; a field is
an attribute of the log record too, for any other formatter.  An event `lease.taken` goes to the
logger `dualwrite.lease`.  No field holds a value of a row, and no line holds a password.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

from dualwrite.errors import DualWriteError, PermanentError, RowError
from dualwrite.link import safe_url

ROOT = "dualwrite"
FORMS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")

logging.getLogger(ROOT).addHandler(logging.NullHandler())


class Counted(dict[str, int]):
    """Numbers by name; as text those that are not zero: `2 written, 1 rejected`."""

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {name}" for name, n in self.items() if n) or "none"


@dataclass(frozen=True)
class Event:
    """One kind of log line.

    Args:
        name: `group.what`; the logger is `dualwrite.group`.
        level: As `logging` has it.
        message: The text, with its fields as `%(name)s`.
        fields: Each field and what it holds.
    """

    name: str
    level: int
    message: str
    fields: Mapping[str, str]
    logger: logging.Logger = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        group = self.name.partition(".")[0]
        object.__setattr__(self, "logger", logging.getLogger(f"{ROOT}.{group}"))

    @property
    def wanted(self) -> bool:
        """Whether anybody listens: ask before fields that cost something are made."""
        return self.logger.isEnabledFor(self.level)

    def log(self, **fields: Any) -> None:
        """Write a line, if anybody listens; texts are cleaned of passwords."""
        if not self.wanted:
            return
        clean = {k: safe_url(v) if isinstance(v, str) else v for k, v in fields.items()}
        extra = {"event": self.name, **clean}
        self.logger.log(self.level, self.message, clean, extra=extra, stacklevel=2)


def reason_of(error: BaseException) -> str:
    """The first line of an error's message: what happened and where; keys of rows come later.

    Of an error whose message may hold values of rows, only its class.
    """
    if isinstance(error, DualWriteError) and not (
        isinstance(error, RowError) or type(error) is PermanentError
    ):
        return str(error).partition("\n")[0]
    return f"{type(error).__name__}; its message may hold values of rows and is left out"


_MAP = {"map": "the table map"}
_DIRECTION = {"direction": "`finops->dataverse` or the other"}
_LEASE = {**_MAP, "epoch": "the lease's number, higher than all before it"}
_ERROR = {"error": "the error's class", "reason": "the first line of its message"}

BATCH = Event(
    "batch",
    logging.INFO,
    "%(map)s %(direction)s: of %(rows)d from the %(rows_from)s %(outcomes)s, in %(seconds).3f s",
    {
        **_MAP,
        **_DIRECTION,
        "run": "the initial sync's number, else null",
        "rows_from": "`queue`, `held` (a retry) or `table` (initial sync, repair)",
        "rows": "rows of the batch",
        "outcomes": "what became of them, each row counted once",
        "counts": "what is added to the counts of the map, as `sync --json` and the journal "
        "have them",
        "seconds": "from the rows in memory to the commit",
        "dry_run": "true where nothing was written",
    },
)
RETRY_PARTITION = Event(
    "retry.partition",
    logging.WARNING,
    "%(map)s %(direction)s: partition %(partition)d failed, attempt %(attempt)d of %(attempts)d "
    "(%(reason)s); next in %(seconds).1f s",
    {
        **_MAP,
        **_DIRECTION,
        "run": "the initial sync's number, else null",
        "partition": "the partition's number",
        "attempt": "attempts so far",
        "attempts": "attempts in all",
        **_ERROR,
        "seconds": "until the next attempt",
    },
)
RETRY_HELD = Event(
    "retry.held",
    logging.INFO,
    "%(map)s %(direction)s: %(rows)d held rows tried again: %(counts)s",
    {**_MAP, **_DIRECTION, "rows": "rows tried", "counts": "what became of them"},
)
LEASE_TAKEN = Event(
    "lease.taken",
    logging.DEBUG,
    "%(map)s: lease taken for %(holder)s, epoch %(epoch)d",
    {**_LEASE, "holder": "what it is for, and the process"},
)
LEASE_RELEASED = Event("lease.released", logging.DEBUG, "%(map)s: lease released", _LEASE)
LEASE_REFUSED = Event(
    "lease.refused",
    logging.DEBUG,
    "%(map)s: another worker has the lease (process %(pid)d on %(machine)s)",
    {**_MAP, "pid": "the process that has it", "machine": "its machine"},
)
LEASE_RENEWAL_FAILED = Event(
    "lease.renewal_failed",
    logging.WARNING,
    "%(map)s: lease not renewed (%(reason)s); it is tried again until it expires",
    {**_LEASE, **_ERROR},
)
LEASE_LOST = Event(
    "lease.lost",
    logging.ERROR,
    "%(map)s: the lease of epoch %(epoch)d expired and another worker took it",
    _LEASE,
)
MAP_STATUS = Event(
    "map.status",
    logging.INFO,
    "%(map)s: %(status)s, was %(before)s (%(reason)s)",
    {
        **_MAP,
        "before": "its status before",
        "status": "its status now",
        "reason": "why: paused, resumed, stopped, initial sync started, caught up, ...",
    },
)
MAP_WAITS = Event(
    "map.waits",
    logging.WARNING,
    "%(map)s waits: %(reason)s",
    {
        **_MAP,
        **_ERROR,
        "stuck": "true where a person must act first, false where it goes on by itself",
    },
)
MAP_GOES_ON = Event("map.goes_on", logging.DEBUG, "%(map)s goes on", _MAP)
APP_AWAY = Event(
    "app.away",
    logging.WARNING,
    "%(app)s does not answer (%(reason)s); changes stay queued, and it is tried again",
    {
        "app": "`finops`, `dataverse` or `journal`",
        "since": "when it was first noticed, UTC",
        "maps": "the maps that wait for it, by name",
        "waiting": "how many they are; 0 for the journal, for which all wait",
        "reason": "why it does not answer",
    },
)
APP_TRIED = Event(
    "app.tried",
    logging.DEBUG,
    "%(app)s still does not answer; next attempt in %(seconds).1f s",
    {"app": "`finops`, `dataverse` or `journal`", "seconds": "until the next attempt"},
)
APP_BACK = Event(
    "app.back",
    logging.INFO,
    "%(app)s answers again after %(seconds).0f s",
    {
        "app": "`finops`, `dataverse` or `journal`",
        "since": "since when it was away, UTC",
        "waiting": "the maps that waited",
        "seconds": "how long it was away",
    },
)
APP_RECONNECTED = Event(
    "app.reconnected",
    logging.INFO,
    "%(app)s: connection for notices of changes made anew",
    {"app": "`finops` or `dataverse`"},
)
GUARD_MASS_DELETE = Event(
    "guard.mass_delete",
    logging.WARNING,
    "%(map)s: refused to delete %(deletes)d of %(rows)d rows in %(side)s",
    {
        **_MAP,
        "side": "the app whose rows would go",
        "deletes": "rows that would go",
        "rows": "rows of the map there",
    },
)
GUARD_MAX_REJECTED = Event(
    "guard.max_rejected",
    logging.WARNING,
    "%(map)s: stopped, as %(rejected)d of %(rows)d rows would be rejected and max_rejected is "
    "%(limit)s",
    {
        **_MAP,
        "rejected": "rows that would be rejected",
        "rows": "of so many",
        "limit": "as the map states it",
    },
)
GUARD_RESTORED = Event(
    "guard.restored",
    logging.ERROR,
    "%(map)s: %(app)s was restored from a backup, or is another database; nothing is carried",
    {**_MAP, "app": "`finops` or `dataverse`"},
)
RECOVERY_RESOLVED = Event(
    "recovery.resolved",
    logging.WARNING,
    "%(map)s: a write of both sides whose writer died was %(decision)s",
    {**_MAP, "decision": "`committed` or `rolled back`"},
)
RECOVERY_POSTPONED = Event(
    "recovery.postponed",
    logging.INFO,
    "%(map)s: a write of both sides is still in doubt (%(reason)s)",
    {**_MAP, **_ERROR},
)
LIVE_STARTED = Event(
    "live.started",
    logging.INFO,
    "live: %(count)d maps",
    {"maps": "the maps it has, by name", "count": "how many they are"},
)
LIVE_STOPPED = Event(
    "live.stopped",
    logging.INFO,
    "live: stopped after %(seconds).0f s",
    {"seconds": "how long it ran"},
)

EVENTS: Mapping[str, Event] = {
    each.name: each for each in tuple(globals().values()) if isinstance(each, Event)
}
"""Every event by name."""


class TextFormatter(logging.Formatter):
    """`2026-05-04T10:12:03.123Z WARNING lease.lost customers: ...`, a line an event."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line; a traceback follows on lines of its own."""
        name = getattr(record, "event", record.name)
        line = f"{_at(record)} {record.levelname} {name} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return safe_url(line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `event`, `message`, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line."""
        event = EVENTS.get(getattr(record, "event", ""))
        names = {} if event is None else event.fields
        document = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": None if event is None else event.name,
            "message": record.getMessage(),
            **{name: getattr(record, name) for name in names if hasattr(record, name)},
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return safe_url(json.dumps(document, ensure_ascii=False, default=str))


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def add_handler(form: str, level: str, stream: TextIO | None = None) -> logging.Handler:
    """Write the lines of a level and above to a stream, stderr unless given; see `remove_handler`.

    Args:
        form: `text` or `json`.
        level: `debug`, `info`, `warning` or `error`.
        stream: Where to.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logger = logging.getLogger(ROOT)
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    return handler


def remove_handler(handler: logging.Handler) -> None:
    """Be quiet again."""
    logger = logging.getLogger(ROOT)
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
