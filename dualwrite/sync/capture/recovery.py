"""A write of both apps in two phases, and what it leaves in doubt when its writer dies.

    intend (journal) ─> prepare there ─> prepare here ─> decide (journal) ─> commit both

Until the decision is in the journal nothing is committed; from then on both will be,
whoever does it.  A worker that starts resolves what a dead writer left: committed where the
journal holds that decision, else rolled back.  Prepared branches hold their locks until then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from dualwrite.apps.transactions import Writing
from dualwrite.errors import AppBusyError, PermanentError, TransientError
from dualwrite.link import Side
from dualwrite.logs import RECOVERY_POSTPONED, RECOVERY_RESOLVED, reason_of
from dualwrite.sync.session import Session

YOUNG = timedelta(seconds=30)
"""A writer that has not decided for so long is taken for dead."""
KEPT = timedelta(hours=1)
"""So long a withdrawn write is remembered: its writer may still be about to prepare."""


class WithdrawnError(TransientError):
    """A write of both apps was taken back before its writer had decided."""

    def __init__(self, *, map_name: str) -> None:
        self.map_name = map_name
        super().__init__(
            f"{map_name}: this write took so long that another worker withdrew it. "
            "Nothing was kept on either side.\n"
            "  Repeat it."
        )


def new_name() -> str:
    """A name that no other write has."""
    return f"dualwrite_{uuid4().hex}"


def branch_of(name: str, side: Side) -> str:
    """What a write's branch is called on a side: both may be on one server."""
    return f"{name}_{side.value}"


def decide(session: Session, name: str, map_name: str, branches: tuple[Writing, Writing]) -> None:
    """Prepare both branches, and record in the journal that they are to be committed.

    Raises:
        WithdrawnError: Another worker took this one for dead.
        TransientError, PermanentError: From the apps and the journal.
    """
    session.journal.prepared_writes.begin(name, map_name)
    for branch in branches:
        branch.prepare()
    if not session.journal.prepared_writes.decide(name, commits=True):
        raise WithdrawnError(map_name=map_name)


def resolve_prepared(session: Session, name: str) -> bool:
    """Commit both branches if the journal holds that decision, else roll them back; which it was.

    Raises:
        TransientError, PermanentError: One of them is still in doubt.
    """
    commits = session.journal.prepared_writes.decide(name, commits=False)
    left = [
        side
        for side in Side
        if not session.apps[side].resolve_prepared(branch_of(name, side), commit=commits)
    ]
    if left:
        reason = "another connection still holds a prepared branch"
        raise AppBusyError(app=left[0].value, table=None, reason=reason)
    if commits:
        session.journal.prepared_writes.remove(name)
    return commits


def recover(session: Session) -> None:
    """Resolve what writers that died have left in doubt; what cannot be reached waits."""
    now = datetime.now(UTC)
    for each in session.journal.prepared_writes.all():
        age = now - each.at
        if each.commits is None and age < YOUNG:
            continue
        try:
            commits = resolve_prepared(session, each.name)
            if each.commits is None or commits:
                decision = "committed" if commits else "rolled back"
                session.journal.activity.log(
                    each.map, "doubt", f"a write of both sides whose writer died was {decision}"
                )
                RECOVERY_RESOLVED.log(map=each.map, decision=decision)
            if not commits and age > KEPT:
                session.journal.prepared_writes.remove(each.name)
        except (TransientError, PermanentError) as error:
            RECOVERY_POSTPONED.log(
                map=each.map, error=type(error).__name__, reason=reason_of(error)
            )
