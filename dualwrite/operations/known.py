"""Names of maps and rules that a query or command is asked about: unknown ones are refused.

A misspelt name would otherwise find nothing, which reads as if all were well.
"""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.errors import PermanentError
from dualwrite.journal.held import HeldRowStore
from dualwrite.operations.session import Session
from dualwrite.rules import RULES
from dualwrite.sync.batch.held import REFUSED
from dualwrite.sync.mapstate.queues import HELD_AT_RESUME
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.findings import near_names


class UnknownRuleError(PermanentError):
    """There is no rule of that name, and no row is held under it."""

    def __init__(self, rule: str, near: Sequence[str] = ()) -> None:
        self.rule, self.near = rule, tuple(near)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(
            f"there is no rule {rule!r}.{hint}\n  See the rules that hold rows: dualwrite errors"
        )


def known_map(session: Session, name: str | None) -> str | None:
    """The name, where a map is called so or the journal has one; None stays None.

    Raises:
        UnknownMapError: There is none (near names are offered).
        TransientError, PermanentError: From the journal.
    """
    if name is None or name in session.catalogue:
        return name
    recorded = [each.name for each in session.journal.maps.all()]
    if name not in recorded:
        raise UnknownMapError(name, near_names(name, {*recorded, *session.catalogue.names()}))
    return name


def known_rule(rule: str | None, held: HeldRowStore) -> str | None:
    """The rule's name, where it is one of ours or one of these rows is held by it.

    None stays None.

    Raises:
        UnknownRuleError: It is neither (near names are offered).
        TransientError, PermanentError: From the journal.
    """
    ours = {*RULES, REFUSED, HELD_AT_RESUME}
    if rule is None or rule in ours:
        return rule
    found = ours | {each.cause for each in held.causes()}
    if rule not in found:
        raise UnknownRuleError(rule, near_names(rule, found))
    return rule
