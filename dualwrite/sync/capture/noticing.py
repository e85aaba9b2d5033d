"""Notices in the middle of work that a capture does not see every change any more.

A trigger that was dropped or switched off, or a partition that was attached since: the journal
gets what a capture does not see, where `status` and the end of each cycle show it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from dualwrite.apps.capture import Capture
from dualwrite.errors import PermanentError, TransientError
from dualwrite.link import Side
from dualwrite.sync.capture.captures import unseen_lines
from dualwrite.sync.session import Session

LOOK_SECONDS = 60.0
"""How often the captures of a map are looked at, at most."""


class CaptureWatch:
    """Looks at the captures of maps, at those of each map once a minute at most."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._looked: dict[str, float] = {}

    def look(
        self, captures: Mapping[str, Mapping[Side, Capture]], *, at_once: int | None = None
    ) -> None:
        """Look at the captures that are due, of `at_once` maps at most; the journal gets news.

        An app that does not answer is left to the next look.
        """
        now, never = time.monotonic(), float("-inf")
        since = {name: self._looked.get(name, never) for name in captures}
        due = sorted((n for n in captures if now - since[n] >= LOOK_SECONDS), key=since.__getitem__)
        if not due[:at_once]:
            return
        journal = self._session.journal
        marks = journal.maps.all_marks()
        for name in due[:at_once]:
            self._looked[name] = now
            before = {side: mark.unseen for side, mark in marks.get(name, {}).items()}
            found: dict[Side, Sequence[str]] = {**before}
            for side, capture in captures[name].items():
                lines = self._lines(side, capture)
                if side in before and lines is not None:
                    found[side] = lines
            if found == before:
                continue
            journal.maps.set_unseen(name, found)
            known = {line for lines in before.values() for line in lines}
            if new := [line for lines in found.values() for line in lines if line not in known]:
                journal.activity.log(name, "capture", f"not every change is seen: {'; '.join(new)}")

    def _lines(self, side: Side, capture: Capture) -> Sequence[str] | None:
        """What a capture does not see, in the words of the check; None where nobody answers."""
        try:
            found = self._session.apps[side].problems(capture, fresh=False)
        except (TransientError, PermanentError):
            return None
        return unseen_lines(side, capture, found)
