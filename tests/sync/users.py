"""What users of both sides do in the model, and what they see: customers and their groups.

Every value that they write is one that was never used before, and it is recorded in the lineage
(`lineage`).  An app that refuses, or is busy, leaves things as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import strategies as st

from dualwrite.errors import AppBusyError, RowsRefusedError
from dualwrite.link import Side
from tests.sync.lineage import Lineage
from tests.sync.world import D, F, World, cust, customer

ACCOUNTS = ("C1", "C2", "C3")
GROUPS = ("10", "20", "30")
TABLE = {F: "Cust", D: "customer"}
KEY = {F: "ACCOUNT", D: "accountnumber"}
INSIDE = {F: ("PARTYTYPE", "Organization", "Person"), D: ("kind", 3, 1)}
"""The column of a side's filter, and what it holds of rows in the map and outside."""
TWO_WAY = {F: ("NAME", "MEMO"), D: ("name", "memo")}
ONE_WAY = {F: ("RATING",), D: ("phone",)}
"""What users of a side write; the other side's counterpart is never written by hand."""
ANSWERS = {"RATING": "rating", "phone": "PHONE"}
GROUP = {F: "GROUPID", D: "custgroup.groupid"}
NAMES = {
    F: (*TWO_WAY[F], "GROUPID", "RATING", "PHONE", "PARTYTYPE"),
    D: (*TWO_WAY[D], "custgroup.groupid", "rating", "phone", "kind"),
}


class Doing(NamedTuple):
    """One thing that one user does."""

    what: str
    side: Side
    account: str
    other: str
    which: int
    group: str


WHAT = ("write",) * 5 + ("long", "remove", "rename", "filter", "group", "group", "no group")
WHAT += ("rename group",)
DOING = st.builds(
    Doing,
    st.sampled_from(WHAT),
    st.sampled_from(Side),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(ACCOUNTS),
    st.integers(1, 15),
    st.sampled_from(GROUPS),
)


@dataclass
class Users:
    """The users of both apps."""

    world: World
    lineage: Lineage = field(default_factory=Lineage)
    _number: int = 0

    def do(self, doing: Doing) -> None:
        """Do it, if the app lets."""
        side, account = doing.side, doing.account
        match doing.what:
            case "remove":
                self._remove(side, account)
            case "rename":
                self._rename(side, account, doing.other)
            case "filter":
                self._cross_the_filter(side, account)
            case "group":
                self._write_group(side, doing.group)
            case "no group":
                self._remove_group(side, doing.group)
            case "rename group":
                self._rename_group(doing.group, GROUPS[doing.which % len(GROUPS)])
            case _:
                self._write(side, account, doing.which, doing.what == "long", doing.group)

    # What they do

    def _write(self, side: Side, account: str, which: int, long: bool, group: str) -> None:
        """Make a row, or change some columns of it: two, the side's own one, or its group."""
        before = self.rows(side).get(account, {})
        new: dict[str, Any] = {}
        for bit, name in enumerate((*TWO_WAY[side], *ONE_WAY[side])):
            if not before or which >> bit & 1:
                too_long = long and name == "NAME"
                new[name] = self._token(side) + ("x" * 20 if too_long else "")
        if which & 8 and group in self.groups(side):
            new["custgroup" if side is D else "GROUPID"] = group
        inside, yes, _ = INSIDE[side]
        row = {**new, inside: before.get(inside, yes)}
        if not self._put(side, account, row):
            return
        for name, value in new.items():
            if name in (*TWO_WAY[side], *ONE_WAY[side]):
                over = before.get(name)
                self.lineage.wrote(value, where=f"{side.value} {account} {name}", over=over)
        if row[inside] != yes or self._is_out(side.other, account):
            self.lineage.dropped(new.values())

    def _remove(self, side: Side, account: str) -> None:
        before = self.rows(side).get(account)
        if before is None:
            return
        keys = {KEY[side]: account, **({"DATAAREAID": "USMF"} if side is F else {})}
        if tried(lambda: self.world.remove(side, TABLE[side], **keys)):
            self.lineage.dropped(before.values())

    def _rename(self, side: Side, old: str, new: str) -> None:
        rows = self.rows(side)
        if old not in rows or new in rows:
            return
        if tried(lambda: self.world.rename(side, TABLE[side], KEY[side], old, new)):
            # both may do so: each then has made a row, and says all of it
            self.lineage.entered(side, rows[old].values())
            # the other side makes the row anew, without what only it knows
            self.lineage.dropped(rows[old][name] for name in ANSWERS.values() if name in rows[old])
            self.lineage.dropped(self.rows(side.other).get(old, {}).get(n) for n in ANSWERS)

    def _cross_the_filter(self, side: Side, account: str) -> None:
        """Out of the map or into it; what is outside is not compared."""
        before = self.rows(side).get(account)
        if before is None:
            return
        inside, yes, no = INSIDE[side]
        value = no if before[inside] == yes else yes
        if self._put(side, account, {inside: value}):
            for each in Side:
                self.lineage.dropped(self.rows(each).get(account, {}).values())
            if value == yes:
                self.lineage.entered(side, before.values())

    def _write_group(self, side: Side, group: str) -> None:
        before = self.groups(side).get(group)
        token = self._token(side)
        if side is F:
            row = {"DATAAREAID": "USMF", "GROUPID": group, "DESCRIPTION": token}
        else:
            row = {"company": "USMF", "groupid": group, "description": token}
        table = "CustGroup" if side is F else "custgroup"
        if tried(lambda: self.world.put(side, table, row)):
            self.lineage.wrote(token, where=f"{side.value} group {group}", over=before)

    def _remove_group(self, side: Side, group: str) -> None:
        before = self.groups(side).get(group)
        keys = {"DATAAREAID": "USMF", "GROUPID": group} if side is F else {"groupid": group}
        table = "CustGroup" if side is F else "custgroup"
        if before and tried(lambda: self.world.remove(side, table, **keys)):
            self.lineage.dropped([before])

    def _rename_group(self, old: str, new: str) -> None:
        """Where lookups are surrogates, all that point at it do so still."""
        groups = self.groups(D)
        if old in groups and new not in groups:
            tried(lambda: self.world.rename(D, "custgroup", "groupid", old, new))

    # What they see

    def accounts(self, side: Side) -> list[str]:
        """The accounts of all rows, one that is there twice, twice."""
        return [row[0] for row in self.world.rows(side, TABLE[side], KEY[side])]

    def rows(self, side: Side) -> dict[str, dict[str, Any]]:
        """The customers by account."""
        found = self.world.rows(side, TABLE[side], KEY[side], *NAMES[side])
        return {row[0]: dict(zip(NAMES[side], row[1:], strict=True)) for row in found}

    def groups(self, side: Side) -> dict[str, str]:
        """The groups' descriptions."""
        names = ("CustGroup", "GROUPID", "DESCRIPTION")
        table, key, text = names if side is F else tuple(name.lower() for name in names)
        return dict(self.world.rows(side, table, key, text))

    def values(self, side: Side) -> set[Any]:
        """All that a side holds."""
        values = {value for row in self.rows(side).values() for value in row.values()}
        return values | set(self.groups(side).values())

    # How

    def _token(self, side: Side) -> str:
        self._number += 1
        return f"{side.value[0]}{self._number}"

    def _put(self, side: Side, account: str, row: Mapping[str, Any]) -> bool:
        make, company = (cust, "DATAAREAID") if side is F else (customer, "company")
        there = account in self.accounts(side)
        full = {company: "USMF", KEY[side]: account, **row} if there else make(account, **row)
        return tried(lambda: self.world.put(side, TABLE[side], full))

    def _is_out(self, side: Side, account: str) -> bool:
        inside, yes, _ = INSIDE[side]
        return bool(self.rows(side).get(account, {inside: yes})[inside] != yes)


def tried(act: Callable[[], None]) -> bool:
    """Whether the app did it: it refuses some, and while we write, it is busy."""
    try:
        act()
    except (AppBusyError, RowsRefusedError):
        return False
    return True
