"""Leases of maps, held and renewed for as long as the work on a map takes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from dualwrite.errors import TransientError
from dualwrite.journal.leases import Lease, LeaseHeldError, LeaseLostError
from dualwrite.journal.records import MapStatus
from dualwrite.logs import LEASE_LOST, LEASE_RENEWAL_FAILED, reason_of
from dualwrite.sync.session.session import Session

LEASE_SECONDS = 60.0
PATIENCE = 15.0
"""Seconds that a worker has to end its cycle and release a map."""


@contextmanager
def kept_lease(session: Session, map_name: str, holder: str) -> Iterator[Lease]:
    """Hold a map's lease for as long as the work takes; a thread renews it.

    Raises:
        LeaseHeldError: Another worker has the map.
        LeaseLostError: At the end, if another worker took it over meanwhile.
    """
    with session.journal.leases.take(map_name, holder, LEASE_SECONDS) as lease, _renewed([lease]):
        yield lease


@contextmanager
def kept_leases(
    session: Session, names: Sequence[str], holder: str
) -> Iterator[tuple[Mapping[str, Lease], Mapping[str, LeaseHeldError]]]:
    """As `kept_lease`, for many maps; those that another worker has come second."""
    with ExitStack() as stack:
        leases: dict[str, Lease] = {}
        taken: dict[str, LeaseHeldError] = {}
        for name in names:
            try:
                lease = session.journal.leases.take(name, holder, LEASE_SECONDS)
            except LeaseHeldError as error:
                taken[name] = error
            else:
                leases[name] = stack.enter_context(lease)
        stack.enter_context(_renewed(list(leases.values())))
        yield leases, taken


@contextmanager
def _renewed(leases: Sequence[Lease]) -> Iterator[None]:
    """Renew leases from a thread until the block ends."""
    done = threading.Event()
    lost: list[LeaseLostError] = []

    def keep() -> None:
        while not done.wait(LEASE_SECONDS / 4):
            for lease in leases:
                try:
                    lease.renew()
                except TransientError as error:
                    # the lease outlives a few of these
                    LEASE_RENEWAL_FAILED.log(
                        map=lease.map,
                        epoch=lease.epoch,
                        error=type(error).__name__,
                        reason=reason_of(error),
                    )
                except LeaseLostError as error:
                    LEASE_LOST.log(map=lease.map, epoch=lease.epoch)
                    lost.append(error)
                    return

    keeper = threading.Thread(target=keep, name="leases", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
    if lost:
        raise lost[0]


@contextmanager
def lent_lease(session: Session, name: str, purpose: str) -> Iterator[Lease]:
    """As `kept_lease`; a worker that carries the map's changes for as long as it lives lends it.

    The map is paused meanwhile: the worker gives it up with its cycle, and takes it up again.

    Raises:
        LeaseHeldError: Its cycle lasts, or the map is in an initial sync.
        LeaseLostError: At the end, if another worker took it over meanwhile.
    """
    maps = session.journal.maps
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(kept_lease(session, name, _holder(purpose)))
        except LeaseHeldError:
            running, paused = MapStatus.RUNNING, MapStatus.PAUSED
            asks, ended = f"{purpose} asks for it", f"{purpose} has ended"
            if maps.change_status(name, paused, among=[running], reason=asks) is running:
                go_on = partial(maps.change_status, name, running, among=[paused], reason=ended)
                stack.callback(go_on)
            lease = stack.enter_context(own_lease(session, name, purpose))
        yield lease


def _holder(purpose: str) -> str:
    return f"{purpose} (process {os.getpid()})"


@contextmanager
def own_lease(session: Session, name: str, purpose: str) -> Iterator[Lease]:
    """As `kept_lease`, waiting for the worker that has the map to end its cycle.

    An initial sync is not waited for: it lasts.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            lease = session.journal.leases.take(name, _holder(purpose), LEASE_SECONDS)
            break
        except LeaseHeldError:
            status = session.journal.maps.status(name)
            if status is MapStatus.INITIALIZING or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with lease, _renewed([lease]):
        yield lease
