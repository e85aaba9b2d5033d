"""Why a map waits: kept in the journal, where `dualwrite status` shows it, and logged once."""

from __future__ import annotations

from dualwrite.errors import AppUnreachableError, DualWriteError, PermanentError
from dualwrite.logs import MAP_GOES_ON, MAP_WAITS, reason_of
from dualwrite.sync.session import Session


def set_waits(session: Session, map_name: str, fault: DualWriteError | None) -> None:
    """Store why a map waits, or that it goes on; a reason that is new is logged.

    That an app is away is logged once for all maps that wait for it, and not here.
    """
    is_new = session.journal.maps.set_waits(map_name, None if fault is None else str(fault))
    if not is_new or isinstance(fault, AppUnreachableError):
        return
    if fault is None:
        MAP_GOES_ON.log(map=map_name)
        return
    MAP_WAITS.log(
        map=map_name,
        error=type(fault).__name__,
        reason=reason_of(fault),
        stuck=isinstance(fault, PermanentError),
    )
