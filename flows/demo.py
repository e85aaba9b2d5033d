"""The flow `demo`: two sample systems, from an initial sync to continuous two-way sync.

It creates a sandbox and runs the initial sync through Great Expectations.  Then users work on
both sides: changes are synced, two of them conflict, a row is parked while the map of its parent
is paused and synced when it is resumed.  A price has too many digits until its column is widened,
boxes are converted to pieces and back, an address becomes valid on its day.  At the end both sides
are compared and a quality report is written.  It needs no account and no network.

    python -m flows.demo [--rows 2000] [--dir demo]
"""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pyarrow.compute as pc
import typer
from prefect import flow

from dualwrite.apps.query import Query
from dualwrite.link import FILE_NAME, Side
from dualwrite.operations.commands import mapstate
from dualwrite.operations.commands.decimals import widen_decimals
from dualwrite.operations.counts import MapCounts, total
from dualwrite.operations.queries.conflicts import conflicts
from dualwrite.operations.queries.decimals import DecimalChanges
from dualwrite.operations.queries.errors import HeldRow, held_rows
from dualwrite.operations.queries.reconcile import Reconciled
from dualwrite.operations.queries.status import status
from dualwrite.operations.session import Session
from dualwrite.operations.steps.cycle import queued_changes
from dualwrite.operations.wording import plural
from dualwrite.sandbox import people
from dualwrite.sandbox.project import create_sandbox
from dualwrite.tablemap.notation import ColumnPath
from expectations.docs import FOLDER
from flows.activate_effective import activate_effective
from flows.incremental_sync import incremental_sync
from flows.initial_sync import initial_sync
from flows.quality_report import quality_report
from flows.reconcile import reconcile
from tasks.artifacts import causes_of, url_of
from tasks.command import run_command
from tasks.embedded import own_prefect
from tasks.ending import summary_of
from tasks.sessions import close_sessions, session_of

ACCOUNTS, GROUPS = "customers-v3--accounts", "customer-groups--msdyn-customergroups"
PRODUCTS = "cds-released-distinct-products--products"
MAPS = [ACCOUNTS, "customers-v3--contacts", PRODUCTS, people.IN_PIECES, people.TODAY]
COMPANY = "USMF"
EDITED, RATED, DISPUTED, MOVED = "C00000003", "C00000009", "C00000002", "C00000006"
"""The customers that users edit."""
PRODUCT, PRICE = "D0000005", "19.987654"
BARCODES = "EcoResProductNumberIdentifiedBarcodeEntity"
SHOWN_CAUSES = 8


@flow(name="demo", description="Two sample systems, synced both ways, in ten steps.")
async def demo(project: Path, rows: int = 2000) -> str:
    """Run all steps; the result is the last line, with the figures.

    Args:
        project: The folder of the sandbox, which is created if it does not exist.
        rows: The number of customers in the sample ERP.

    Raises:
        AssertionError: A step did not have the expected result.
    """
    started = time.monotonic()
    make_sandbox(project, rows)

    say("2. The initial sync, maps sorted by their dependencies")
    first = await initial_sync(project, MAPS)
    say_causes(project, first)

    say("3. Users work on both sides; one cycle syncs their changes")
    carried = await both_work(project)

    say("4. The same customer is changed on both sides: a conflict")
    carried += await collide(project)

    say(f"5. The map of customer groups is paused for maintenance, and work goes on ({MOVED})")
    carried += await pause_and_catch_up(project)

    say(f"6. A price has too many digits for dataverse; its columns are widened ({PRODUCT})")
    carried += await widen(project)

    say(f"7. The ERP counts boxes and pallets, dataverse counts pieces ({PRODUCT})")
    carried += await convert(project)

    say("8. A customer moves next year: dataverse has the address that is valid today")
    carried += await move_house(project)

    say("9. Both sides are compared, row by row")
    found = await reconcile(project, MAPS)
    held = sum(each.held for each in found)
    say(f"  {sum(each.same for each in found):,} rows are the same on both sides")
    say(f"  {held:,} are held in the journal")
    say(f"  {unexplained(found):,} differ for no known reason")
    assert not unexplained(found), "rows differ for no known reason"

    say("10. The quality report: all rows of these maps are checked, on both sides")
    say(f"  {url_of(await quality_report(project, MAPS))}")
    seconds = time.monotonic() - started
    return (
        f"demo finished: {len(first)} maps, {written(first):,} rows written at first, "
        f"{carried} synced by cycles, 1 conflict decided, 1 faulty and 1 parked row released, "
        f"2 columns widened, 2 quantities converted, 1 address activated, "
        f"{held} held, 0 unexplained differences, {seconds:.0f} seconds"
    )


def make_sandbox(project: Path, rows: int) -> None:
    """Create the sample systems unless they exist."""
    if (project / FILE_NAME).exists():
        return
    say(f"1. Two sample systems with business data, {rows:,} customers, some rows faulty")
    made = create_sandbox(project, rows=rows)
    people.add_examples(project)
    for side in Side:
        say(f"    {side.value}: {made.total(side):,} rows")


def say_causes(project: Path, results: Sequence[MapCounts]) -> None:
    """Print what the initial sync wrote, and why rows are held."""
    say(f"  {written(results):,} rows written in {len(results)} maps. Held rows by cause:")
    causes = causes_of(project, [result.map for result in results])
    for cause in causes[:SHOWN_CAUSES]:
        reason = textwrap.shorten(cause.reason, 110, placeholder=" …")
        say(f"    {cause.rows:>3} {cause.kind} in {cause.map}: {reason}")
    if rest := causes[SHOWN_CAUSES:]:
        say(f"    {sum(cause.rows for cause in rest):>3} more, for {len(rest)} other reasons")


async def both_work(project: Path) -> int:
    """Change a row on each side, and correct a faulty row; return the synced rows."""
    session = session_of(project)
    held = next(
        row
        for row in held_rows(session, ACCOUNTS, rule="currency_precision").rejected
        if row.direction == Side.FINOPS.direction
    )
    change(session, Side.FINOPS, EDITED, SALESMEMO="Call before ten.")
    change(session, Side.DATAVERSE, RATED, msdyn_creditrating="A")
    company, faulty = (part or "" for part in held.key.values())
    say(f"    a held row ({faulty}): {held.reason}")
    change(session, Side.FINOPS, faulty, company, CREDITLIMIT="1000.12")
    carried = await cycle(project)
    assert not _is_held(held_rows(session, ACCOUNTS).rejected, held), (
        "the corrected row is still held"
    )
    say(f"  {faulty} is corrected and was released automatically; both sides have all three rows")
    return carried


async def collide(project: Path) -> int:
    """Change one column on both sides and another on one; return the synced rows."""
    session = session_of(project)
    change(session, Side.FINOPS, DISPUTED, CREDITLIMIT="30000", PAYMENTTERMSBASEDAYS="14")
    change(session, Side.DATAVERSE, DISPUTED, creditlimit="45000")
    carried = await cycle(project)
    # the newest: before it are the rows that the master decided in the initial sync
    found = conflicts(session, ACCOUNTS, decided=True).rows[0]
    won = ", ".join(f"{column} from {side}" for column, side in found.conflict.columns.items())
    say(f"  decided by the policy of the map, {found.conflict.policy} then newest: {won}")
    say(f"  both versions are recorded: dualwrite conflicts show {found.id} --project {project}")
    say(f"  the decision can be undone: dualwrite conflicts undo {found.id} --project {project}")
    return carried


async def pause_and_catch_up(project: Path) -> int:
    """Insert a child while the map of its parent is paused; return the synced rows."""
    session = session_of(project)
    mapstate.pause(session, [GROUPS])
    make_group(session, "VIP", "Very important")
    change(session, Side.FINOPS, MOVED, CUSTOMERGROUPID="VIP")
    carried = await cycle(project)
    say(f"    {queued_changes(session, [GROUPS])} change waits in the queue of {GROUPS}")
    parked = next(row for row in held_rows(session, ACCOUNTS).parked if MOVED in row.key.values())
    say(f"    {MOVED} is parked: {parked.reason}")
    say(f"  then the map is resumed: dualwrite resume {GROUPS} --catch-up --project {project}")
    mapstate.resume(session, [GROUPS], mapstate.Resume.CATCH_UP)
    carried += await cycle(project)
    assert not _is_held(held_rows(session, ACCOUNTS).parked, parked), "the parked row is held still"
    [groups] = [each for each in status(project).maps if each.map == GROUPS]
    assert groups.status == "running"
    say(f"  the group was synced, {MOVED} was released automatically, the map is running")
    return carried


async def widen(project: Path) -> int:
    """Widen the columns of a price that was rejected; return the synced rows."""
    session = session_of(project)
    change(session, Side.FINOPS, PRODUCT, table_map=PRODUCTS, SALESPRICE=PRICE)
    carried = await cycle(project)
    [held] = [row for row in held_rows(session, PRODUCTS).rejected if PRODUCT in row.key.values()]
    say(f"    {PRODUCT} is rejected: {held.reason}")

    def approve(found: DecimalChanges) -> bool:
        for each in found.changes:
            say(
                f"    {each.table}.{each.column}: decimal({each.now.precision}, {each.now.scale}) "
                f"becomes ({each.to.precision}, {each.to.scale}); "
                f"{plural(each.rows, 'row')} would lose digits now"
            )
        say(f"  dualwrite decimals widen --map {PRODUCTS} --project {project}")
        return True

    done = widen_decimals(session, [PRODUCTS], approve=approve)
    carried += sum(each.counts.written for each in done.retried)
    there = shown(session, "product", "msdyn_productnumber", PRODUCT, "price")
    assert Decimal(PRICE) in there, "the price was not synced"
    say(f"  the row was retried automatically, dataverse has {PRICE}; undo: decimals undo")
    return carried


async def convert(project: Path) -> int:
    """Convert boxes and pallets to pieces, and back; return the synced rows."""
    session = session_of(project)
    barcodes = {"4006381333931": "box", "4006381333948": "pal"}
    people.add(
        session,
        Side.FINOPS,
        BARCODES,
        PRODUCTNUMBER=[PRODUCT] * len(barcodes),
        BARCODE=list(barcodes),
        PRODUCTQUANTITY=["2", "1"],
        PRODUCTQUANTITYUNITSYMBOL=list(barcodes.values()),
    )
    say("    finops: two barcodes, for 2 boxes and for 1 pallet")
    carried = await cycle(project)
    pieces = shown(session, "msdyn_productbarcode", "msdyn_barcode", None, "msdyn_productquantity")
    say(f"  dataverse has {' and '.join(f'{each.normalize():f}' for each in pieces)} pieces")
    box = next(iter(barcodes))
    people.change(
        session, Side.DATAVERSE, people.IN_PIECES, (PRODUCT, box), msdyn_productquantity="60"
    )
    say("    dataverse: the first is for 60 pieces now")
    carried += await cycle(project)
    [boxes] = shown(session, BARCODES, "BARCODE", box, "PRODUCTQUANTITY", side=Side.FINOPS)
    assert boxes == 5, "60 pieces are 5 boxes"
    say("  the ERP has 5 boxes: units are converted exactly, both ways")
    return carried


async def move_house(project: Path) -> int:
    """Add a future address, which is synced on its day; return the synced rows."""
    session = session_of(project)
    day = datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
    location = people.move_house(session, day, "Tomorrow Street 1")
    say(f"    finops: {location} has a new address from {day:%Y-%m-%d} on")
    carried = await cycle(project)
    today = _street(session, location)
    say(f"  dataverse still has {today!r}")
    for clock, when in ((day, f"on {day:%Y-%m-%d} (--now)"), (None, "by today's clock again")):
        await activate_effective(project, [people.TODAY], clock)
        say(f"  {when} it has {_street(session, location)!r}")
        expected = "Tomorrow Street 1" if clock else today
        assert _street(session, location) == expected, "dataverse has the address of another day"
    say(f"  dualwrite rows {people.TODAY} --all --key LOCATIONID={location} --project {project}")
    return carried


def _street(session: Session, location: str) -> str:
    [street] = shown(session, "msdyn_currentaddress", "msdyn_locationid", location, "msdyn_street")
    return str(street)


async def cycle(project: Path) -> int:
    """Run the flow `incremental_sync`; return the number of written rows.

    Raises:
        AssertionError: An entry is left in a queue.
    """
    session = session_of(project)
    results = await incremental_sync(project)
    say(f"  {summary_of(results, session.link.names)}")
    running = [each.map for each in status(project).maps if each.status == "running"]
    assert not queued_changes(session, running), "a queue is not empty"
    return written(results)


def shown(
    session: Session,
    table: str,
    column: str,
    value: str | None,
    wanted: str,
    *,
    side: Side = Side.DATAVERSE,
) -> list[Any]:
    """The values of a column, where another column has a value; all of them for None."""
    query = Query(table, (ColumnPath((column,)), ColumnPath((wanted,))))
    rows = session.apps[side].read(query).sort_by(column)
    if value is not None:
        rows = rows.filter(pc.equal(rows[column], value))
    return list(rows[wanted].to_pylist())


def change(
    session: Session,
    side: Side,
    name: str,
    company: str = COMPANY,
    table_map: str = ACCOUNTS,
    **values: str,
) -> None:
    """Change a row like a user, and print it."""
    people.change(session, side, table_map, (company, name), **values)
    changes = ", ".join(f"{column} is now {text}" for column, text in values.items())
    say(f"    {side.value}: {name}: {changes}")


def make_group(session: Session, group: str, description: str) -> None:
    """Insert a customer group like a user of the ERP."""
    table = session.map(GROUPS).end(Side.FINOPS).table
    row = {"DATAAREAID": [COMPANY], "CUSTOMERGROUPID": [group], "DESCRIPTION": [description]}
    people.add(session, Side.FINOPS, table, **row)
    say(f"    {Side.FINOPS.value}: a new customer group, {group}")


def _is_held(rows: Sequence[HeldRow], row: HeldRow) -> bool:
    return any((each.key, each.direction) == (row.key, row.direction) for each in rows)


def written(results: Sequence[MapCounts]) -> int:
    """The number of rows written, both ways."""
    return total(results).written


def unexplained(found: Sequence[Reconciled]) -> int:
    """The number of rows that differ for no known reason."""
    return sum(each.unexplained for each in found)


def say(text: str) -> None:
    """Print a line."""
    typer.echo(text)


def _free_folder() -> Path:
    """`demo`, or the first of `demo-2`, `demo-3` … that does not exist."""
    folder, number = Path("demo"), 1
    while folder.exists():
        number += 1
        folder = Path(f"demo-{number}")
    return folder


def main(
    rows: Annotated[int, typer.Option(min=1, help="Customers in the sample ERP.")] = 2000,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="The folder to create.")
    ] = None,
) -> None:
    """Show dualwrite on two sample systems, in about two minutes."""
    project = folder or _free_folder()
    make_sandbox(project, rows)
    say("  (starting Prefect takes up to half a minute)")
    with own_prefect(project.resolve() / ".dualwrite" / "prefect") as where:
        last = asyncio.run(demo(project, rows))
        close_sessions()
    say("")
    say(f"Status of the maps:   dualwrite status --project {project}")
    say(f"Held rows:            dualwrite errors --project {project}")
    say(f"Conflicts:            dualwrite conflicts --all --project {project}")
    say(f"Live sync:            dualwrite live --project {project}")
    say(f"The journal:          {project / '.dualwrite' / 'journal.db'}")
    say(f"The runs in Prefect:  {where}")
    say("With your own data:   docs/tutorial.md")
    say(f"The quality report:   {url_of(project / FOLDER / 'index.html')}")
    say(last)


if __name__ == "__main__":
    run_command(main)
