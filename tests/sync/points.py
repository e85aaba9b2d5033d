"""Named points of the engine's work, reported to a callback as they are passed.

The product has no hook: both apps and the journal are wrapped, and what the engine asks of
them is what it does.  A crash test kills the process at a point, a model raises, or
lets a user write in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dualwrite.apps.app import App
from dualwrite.apps.capture import Origin
from dualwrite.apps.transactions import Snapshot, Writing
from dualwrite.sync.session import Session

Passed = Callable[[str], None]
"""Called with a point's name, as `dataverse: before the commit`."""

JOURNALLED = {
    ("held", "record"): "held rows",
    ("conflicts", "record"): "conflicts",
    ("cycles", "record"): "counts",
    ("runs", "finish_partition"): "a partition",
    ("conflicts", "close"): "a decision",
    ("conflicts", "reopen"): "a decision",
    ("conflicts", "mark_undone"): "a decision",
}
"""What the engine writes to the journal, by store and method."""


def pointed(session: Session, passed: Passed) -> Session:
    """The session, its apps and its journal telling what they are asked for."""
    apps: dict[Any, Any] = {side: _App(app, passed) for side, app in session.apps.items()}
    journal: Any = _Journal(session.journal, passed)
    return replace(session, apps=apps, journal=journal)


class _App:
    def __init__(self, app: App, passed: Passed) -> None:
        self._app, self._passed = app, passed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._app.snapshot() as snapshot:
            yield _Snapshot(snapshot, self._say)

    @contextmanager
    def writing(self, origin: Origin | None = None) -> Iterator[Any]:
        own = "" if origin else "own "
        self._say(f"before the {own}transaction")
        with self._app.writing(origin) as writing:
            observed = _Writing(writing, self._say)
            yield observed
            what = "of deletes" if observed.deleted else ""
            self._say(f"before the {own}commit {what}")
        self._say(f"after the {own}commit {what}")

    def acknowledge(self, queue: str, ids: Any) -> int:
        self._say("before the acknowledgement")
        count = self._app.acknowledge(queue, ids)
        self._say("after the acknowledgement")
        return count

    def acknowledge_ranges(self, queue: str, ranges: Any) -> int:
        self._say("before the recovery")
        count = self._app.acknowledge_ranges(queue, ranges)
        self._say("after the recovery")
        return count

    def _say(self, what: str) -> None:
        self._passed(f"{self._app.name}: {what.strip()}")


class _Snapshot:
    def __init__(self, snapshot: Snapshot, say: Passed) -> None:
        self._snapshot, self._say = snapshot, say

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def entries(self, capture: Any, *, after: int = 0, limit: int) -> Any:
        self._say("between two pages" if after else "before the first page")
        return self._snapshot.entries(capture, after=after, limit=limit)


class _Writing:
    def __init__(self, writing: Writing, say: Passed) -> None:
        self._writing, self._say = writing, say
        self.deleted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writing, name)

    def lock(self, *args: Any, **options: Any) -> Any:
        locked = self._writing.lock(*args, **options)
        self._say("locked, not looked")
        return locked

    def entries(self, *args: Any) -> Any:
        found = self._writing.entries(*args)
        self._say("looked, not written")
        return found

    def insert(self, *args: Any, **options: Any) -> Any:
        written = self._writing.insert(*args, **options)
        self._say("inserted")
        return written

    def update(self, *args: Any, **options: Any) -> Any:
        written = self._writing.update(*args, **options)
        self._say("updated")
        return written

    def delete(self, *args: Any) -> Any:
        self.deleted = True
        count = self._writing.delete(*args)
        self._say("deleted")
        return count

    def record_applied(self, *args: Any) -> None:
        self._writing.record_applied(*args)
        self._say("in the inbox")


class _Journal:
    def __init__(self, journal: Any, passed: Passed) -> None:
        self._journal, self._passed = journal, passed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._journal, name)
        watched = name in {store for store, _ in JOURNALLED}
        return _Store(name, found, self._passed) if watched else found


class _Store:
    def __init__(self, name: str, store: Any, passed: Passed) -> None:
        self._name, self._store, self._passed = name, store, passed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        what = JOURNALLED.get((self._name, name))
        if what is None:
            return found

        def recorded(*args: Any, **options: Any) -> Any:
            self._passed(f"journal: before {what}")
            answer = found(*args, **options)
            self._passed(f"journal: after {what}")
            return answer

        return recorded
