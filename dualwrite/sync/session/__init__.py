"""What a command or a worker works with: apps, journal, leases and companies of one link."""

from dualwrite.sync.session.session import Session, open_session

__all__ = ["Session", "open_session"]
