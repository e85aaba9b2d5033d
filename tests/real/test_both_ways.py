"""The stores of AdventureWorks, changed and deleted on both sides after the initial sync.

Parties are the parents, contacts their children, and the 1,336 accounts point at both, at each
other and at all that finance keeps.  Nothing comes back to where it came from, what both
sides changed is on record, and both sides are one in the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.reconcile.reconcile import reconcile
from dualwrite.sync.session import Session
from dualwrite.tablemap.notation import ColumnPath
from tests.real.adventureworks.finance import COMPANIES
from tests.real.carrying import held, load, project, values
from tests.real.stores import ACCOUNTS, stores
from tests.servers.running import Server

F, D = Side.FINOPS, Side.DATAVERSE
TO_D, TO_F = F.direction, D.direction
PARTIES, CONTACTS = "cds-parties--msdyn-parties", "contacts-v2--msdyn-contactforparties"
MAPS = (
    "legal-entities--cdm-companies",
    "currencies--transactioncurrencies",
    "terms-of-payment--msdyn-paymentterms",
    "sales-tax-groups--msdyn-taxgroups",
    "customer-groups--msdyn-customergroups",
    "contact-person-titles--msdyn-salescontactpersontitles",
    PARTIES,
    CONTACTS,
    ACCOUNTS,
)
TABLES = {
    PARTIES: {F: ("DirPartyCDSEntity", "PARTYNUMBER"), D: ("msdyn_party", "msdyn_partynumber")},
    CONTACTS: {
        F: ("smmContactPersonV2Entity", "CONTACTPERSONID"),
        D: ("msdyn_contactforparty", "msdyn_contactforpartynumber"),
    },
    ACCOUNTS: {F: ("CustCustomerV3Entity", "CUSTOMERACCOUNT"), D: ("account", "accountnumber")},
}
"""The table of each map on a side, and the column that identifies a row."""
EARLIER, LATER = (dt.datetime(2026, month, 1, tzinfo=dt.UTC) for month in (7, 8))


@dataclass
class Stores:
    """Everything across; each test takes rows that no other has."""

    session: Session
    free: list[str]
    """Accounts with a contact that nobody else is invoiced to."""

    def take(self, count: int) -> list[str]:
        taken, self.free = self.free[:count], self.free[count:]
        return taken

    def rows(self, side: Side, map_name: str, names: Sequence[str]) -> pa.Table:
        """Whole rows, in the order of their names."""
        (table, key), app = TABLES[map_name][side], self.session.apps[side]
        columns = tuple(ColumnPath((name,)) for name in app.schema(table).columns)
        found = app.read(Query(table, columns))
        return found.take(pc.index_in(pa.array(names), value_set=found[key].combine_chunks()))

    def change(self, side: Side, map_name: str, names: Sequence[str], **new: Any) -> None:
        """An application changes columns: to one value for all rows, or to one for each."""
        table, _ = TABLES[map_name][side]
        schema = self.session.apps[side].schema(table)
        rows = self.rows(side, map_name, names).select(list(schema.primary_key))
        for name, value in new.items():
            each = value if isinstance(value, list) else [value] * len(names)
            rows = rows.append_column(name, pa.array(each).cast(schema.columns[name].type))
        self.session.apps[side].update(table, rows, key=schema.primary_key)

    def copy(self, side: Side, map_name: str, name: str, **new: Any) -> None:
        """An application makes a row like another."""
        app, (table, _) = self.session.apps[side], TABLES[map_name][side]
        schema = app.schema(table)
        row = self.rows(side, map_name, [name])
        row = row.drop_columns([c for c in schema.columns if schema.columns[c].has_default])
        for column, value in new.items():
            at, kind = row.column_names.index(column), schema.columns[column].type
            row = row.set_column(at, column, pa.array([value], kind))
        app.write(table, row, key=schema.unique[0] if schema.unique else schema.primary_key)

    def delete(self, side: Side, map_name: str, names: Sequence[str]) -> None:
        """An application deletes rows."""
        app, (table, _) = self.session.apps[side], TABLES[map_name][side]
        identity = list(app.schema(table).primary_key)
        app.delete(table, self.rows(side, map_name, names).select(identity))

    def values(self, side: Side, map_name: str, column: str, names: Sequence[str]) -> list[Any]:
        """What a side holds now, row by row."""
        table, key = TABLES[map_name][side]
        held = values(self.session, side, table, key, column)
        return [held.get(name, "gone") for name in names]

    def cycle(self) -> dict[tuple[str, str], int]:
        """A cycle; the rows written, by map and direction."""
        results = run_cycle(self.session)
        assert [result.note for result in results if result.note] == []
        return {
            (result.map, direction): counts.written
            for result in results
            for direction, counts in result.counts.items()
            if counts.written
        }

    def assert_one(self) -> None:
        """Nothing is left to do, and both sides are one."""
        for _ in range(3):
            self.cycle()
        again = run_cycle(self.session)
        assert [result.counts for result in again if result.counts] == []
        assert held(self.session) == {}
        found = {name: reconcile(self.session, self.session.map(name)) for name in MAPS}
        assert {name: each.unexplained for name, each in found.items() if each.unexplained} == {}


@pytest.fixture(
    scope="module",
    params=["sqlite", *(pytest.param(k, marks=pytest.mark.slow) for k in ("mariadb",))],
)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stores]:
    folder = tmp_path_factory.mktemp("stores")
    if request.param == "sqlite":
        urls = {side: f"sqlite:///{folder / side.value}.db" for side in Side}
    else:
        server: Server = request.getfixturevalue(f"{request.param}_server")
        urls = {side: server.fresh_database() for side in Side}
    load(F, urls[F], stores())
    load(D, urls[D], {})
    with project(folder, urls, list(COMPANIES)) as session:
        run_maps(session, make_plan(session, MAPS), RunOptions())
        table, key = TABLES[ACCOUNTS][F]
        invoiced = set(values(session, F, table, key, "INVOICEACCOUNT").values())
        contacts = values(session, F, table, key, "CONTACTPERSONID").items()
        free = [name for name, contact in contacts if contact and name not in invoiced]
        yield Stores(session, sorted(free))


def test_changes_of_parents_and_children_are_synced_once_and_not_echoed(both: Stores) -> None:
    ours, theirs = both.take(10), both.take(10)
    contacts = both.values(F, ACCOUNTS, "CONTACTPERSONID", ours)
    parties = both.values(F, ACCOUNTS, "PARTYNUMBER", ours)
    both.change(F, PARTIES, parties, KNOWNAS="a good name")
    both.change(F, ACCOUNTS, ours, CREDITLIMIT=Decimal("1234.5"), SALESMEMO="by finops")
    both.change(D, CONTACTS, contacts, msdyn_employmentprofession="buyer")
    both.change(D, ACCOUNTS, theirs, description="by dataverse")

    carried = both.cycle()

    assert carried == {
        (PARTIES, TO_D): 10,
        (CONTACTS, TO_F): 10,
        (ACCOUNTS, TO_D): 10,
        (ACCOUNTS, TO_F): 10,
    }
    assert both.cycle() == {}
    assert both.values(D, PARTIES, "msdyn_nickname", parties) == ["a good name"] * 10
    assert both.values(F, CONTACTS, "EMPLOYMENTPROFESSION", contacts) == ["buyer"] * 10
    assert both.values(D, ACCOUNTS, "creditlimit", ours) == [Decimal("1234.5000")] * 10
    assert both.values(F, ACCOUNTS, "SALESMEMO", ours + theirs) == [
        *(["by finops"] * 10),
        *(["by dataverse"] * 10),
    ]
    assert both.session.journal.conflicts.find(ACCOUNTS, open_only=False) == []
    both.assert_one()


def test_a_row_changed_on_both_sides_is_merged_and_the_losing_values_are_recorded(
    both: Stores,
) -> None:
    names = both.take(6)
    both.change(
        F,
        ACCOUNTS,
        names,
        CREDITLIMIT=Decimal(111),
        IDENTIFICATIONNUMBER="of finops",
        MODIFIEDDATETIME=[LATER, EARLIER] * 3,
    )
    both.change(
        D,
        ACCOUNTS,
        names,
        creditlimit=Decimal(222),
        description="of dataverse",
        modifiedon=[EARLIER, LATER] * 3,
    )

    both.cycle()

    newest = [Decimal(111), Decimal(222)] * 3
    for side, limit, number, memo in (
        (F, "CREDITLIMIT", "IDENTIFICATIONNUMBER", "SALESMEMO"),
        (D, "creditlimit", "msdyn_identificationnumber", "description"),
    ):
        assert both.values(side, ACCOUNTS, limit, names) == newest
        assert both.values(side, ACCOUNTS, number, names) == ["of finops"] * 6
        assert both.values(side, ACCOUNTS, memo, names) == ["of dataverse"] * 6
    record = {
        each.conflict.key["CUSTOMERACCOUNT"]: each.conflict
        for each in both.session.journal.conflicts.find(ACCOUNTS, open_only=False)
    }
    assert sorted(record) == sorted(names)
    assert [record[name].columns["creditlimit"] for name in names] == ["finops", "dataverse"] * 3
    for conflict in record.values():
        versions: Mapping[Side, Any] = conflict.rows
        assert Decimal(versions[F]["CREDITLIMIT"]) == Decimal(111)
        assert Decimal(versions[D]["creditlimit"]) == Decimal(222)
    both.assert_one()


def test_deletes_are_synced_both_ways_and_a_delete_against_a_change_is_recorded(
    both: Stores,
) -> None:
    ours, theirs, (disputed,) = both.take(3), both.take(3), both.take(1)
    before = len(both.session.journal.conflicts.find(ACCOUNTS, open_only=False))
    both.delete(F, ACCOUNTS, [*ours, disputed])
    both.delete(D, ACCOUNTS, theirs)
    now = dt.datetime.now(dt.UTC)
    both.change(D, ACCOUNTS, [disputed], description="in use", modifiedon=now)

    both.assert_one()

    for side, memo in ((F, "SALESMEMO"), (D, "description")):
        assert both.values(side, ACCOUNTS, memo, ours + theirs) == ["gone"] * 6
        # the change is the newer one
        assert both.values(side, ACCOUNTS, memo, [disputed]) == ["in use"]
    (conflict, *rest) = both.session.journal.conflicts.find(ACCOUNTS, open_only=False)
    assert len(rest) == before
    assert (conflict.conflict.kind, conflict.conflict.outcome) == ("delete", "dataverse")
    assert conflict.conflict.rows[F] is None


def test_parents_are_inserted_first_and_children_deleted_first(both: Stores) -> None:
    (model,) = both.take(1)
    (party,) = both.values(D, ACCOUNTS, "msdyn_partyid.msdyn_partynumber", [model])
    contact = both.values(D, ACCOUNTS, "msdyn_primarycontact.msdyn_contactforpartynumber", [model])
    both.copy(D, PARTIES, party, msdyn_partynumber="CRM1")
    (new,) = both.values(D, PARTIES, "msdyn_partyid", ["CRM1"])
    both.copy(
        D,
        CONTACTS,
        contact[0],
        msdyn_contactforpartynumber="CRM2",
        msdyn_associatedpartyid=new,
    )
    (acting,) = both.values(D, CONTACTS, "msdyn_contactforpartyid", ["CRM2"])
    both.copy(
        D, ACCOUNTS, model, accountnumber="CRM3", msdyn_partyid=new, msdyn_primarycontact=acting
    )

    carried = both.cycle()

    assert carried == {(PARTIES, TO_F): 1, (CONTACTS, TO_F): 1, (ACCOUNTS, TO_F): 1}
    assert both.values(F, CONTACTS, "ASSOCIATEDPARTYNUMBER", ["CRM2"]) == ["CRM1"]
    assert both.values(F, ACCOUNTS, "PARTYNUMBER", ["CRM3"]) == ["CRM1"]
    assert both.values(F, ACCOUNTS, "CONTACTPERSONID", ["CRM3"]) == ["CRM2"]
    for name, account in ((PARTIES, "CRM1"), (CONTACTS, "CRM2"), (ACCOUNTS, "CRM3")):
        both.delete(F, name, [account])
    both.assert_one()
    for name, account in ((PARTIES, "CRM1"), (CONTACTS, "CRM2"), (ACCOUNTS, "CRM3")):
        assert both.values(D, name, TABLES[name][D][1], [account]) == ["gone"]
