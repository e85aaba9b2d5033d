"""The flow `demo`: from nothing to two systems in agreement, and what was not let through.

It makes a sandbox, runs the initial sync through Great Expectations, runs it again, mends
one row that was held back, and compares both sides.  It needs no account and no network.

    python -m flows.demo [--rows 2000] [--dir demo]
"""

from __future__ import annotations

import asyncio
import textwrap
import time
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer
from prefect import flow

from dualwrite.journal.records import HeldRow
from dualwrite.link import FILE_NAME, Side
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.reconcile import Comparison
from dualwrite.sync.retry import retry
from dualwrite.sync.run import MapResult
from dualwrite.sync.session import open_session
from flows.initial_sync import initial_sync
from flows.reconcile import reconcile
from tasks.artifacts import causes_of
from tasks.command import run_command
from tasks.embedded import own_prefect
from tasks.sessions import close_sessions

MAPS = ["customers-v3--accounts", "customers-v3--contacts"]
MENDED_MAP, MENDED_COLUMN, MENDED_VALUE = MAPS[0], "CREDITLIMIT", "1000.12"


@flow(name="demo", description="A sandbox from nothing to agreement, in five steps.")
async def demo(project: Path, rows: int = 2000) -> str:
    """Show it all; the result is the last line, with its figures.

    Args:
        project: A folder: a sandbox, or one to be made.
        rows: Customers in the sample ERP.

    Raises:
        AssertionError: Something differs that should not: a fault of ours.
    """
    started = time.monotonic()
    make_sandbox(project, rows)

    say("2. The initial sync, maps in the order in which they need each other")
    first = await initial_sync(project, MAPS)
    say(f"  {written(first):,} rows written in {len(first)} maps. Held back, and why:")
    causes = causes_of(project, [result.map for result in first])
    for cause in causes:
        reason = textwrap.shorten(cause.reason, 110, placeholder=" …")
        say(f"    {cause.rows:>3} {cause.kind} in {cause.map}: {reason}")

    say("3. The same again, by the rules alone: what is equal already is left alone")
    again = await initial_sync(project, MAPS, quality=False)
    say("  nothing to write" if not written(again) else f"  {written(again):,} rows written")

    say("4. One of the faulty rows is mended in the ERP, then tried again")
    released = mend(project)
    say(f"  {released} row released (by hand: dualwrite errors retry ID)")

    say("5. Both sides are compared, row by row")
    found = await reconcile(project, [result.map for result in first])
    say(f"  {sum(each.same for each in found):,} rows are the same on both sides")
    say(f"  {sum(each.held for each in found):,} are not, and wait in the journal")
    say(f"  {unexplained(found):,} differ for no known reason")
    assert not written(again), "the second run wrote rows"
    assert released == 1, "the mended row was not released"
    assert not unexplained(found), "rows differ that nobody holds back"
    held = sum(cause.rows for cause in causes) - released
    seconds = time.monotonic() - started
    return (
        f"demo finished: {len(first)} maps, {written(first):,} rows written, {held:,} held back, "
        f"{released} mended and released, 0 unexplained differences, {seconds:.0f} seconds"
    )


def make_sandbox(project: Path, rows: int) -> None:
    """Make the sample systems, unless they are there."""
    if (project / FILE_NAME).exists():
        return
    say(f"1. Two sample systems with business data, {rows:,} customers and faulty rows among them")
    made = create_sandbox(project, rows=rows)
    for side in Side:
        say(f"    {side.value}: {made.total(side):,} rows")


def mend(project: Path) -> int:
    """Correct a credit limit with a digit too many in the ERP, and retry the row."""
    with open_session(project) as session:
        held = next(
            row
            for row in session.journal.rejected(MENDED_MAP, rule="scale")
            if row.direction == Side.FINOPS.direction
        )
        say(f"    {', '.join(map(str, held.key.values()))}: {held.reason}")
        table = session.catalogue.get(MENDED_MAP).end(Side.FINOPS).table
        columns = session.schema(Side.FINOPS, table).columns
        values = {**held.key, MENDED_COLUMN: MENDED_VALUE}
        row = pa.table({n: pa.array([v]).cast(columns[n].type) for n, v in values.items()})
        session.apps[Side.FINOPS].update(table, row, key=list(held.key))
        say(f"    set {MENDED_COLUMN} to {MENDED_VALUE}")
        retry(session, [held])
        return int(not _still_held(session.journal.rejected(MENDED_MAP), held))


def _still_held(rows: list[HeldRow], row: HeldRow) -> bool:
    return any((each.key, each.direction) == (row.key, row.direction) for each in rows)


def written(results: list[MapResult]) -> int:
    """Rows written, both ways."""
    return sum(counts.written for result in results for counts in result.counts.values())


def unexplained(found: list[Comparison]) -> int:
    """Rows that differ and that nobody holds back."""
    return sum(each.unexplained for each in found)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    typer.echo(text)


def _free_folder() -> Path:
    """`demo`, or the first of `demo-2`, `demo-3` … that is not there yet."""
    folder, number = Path("demo"), 1
    while folder.exists():
        number += 1
        folder = Path(f"demo-{number}")
    return folder


def main(
    rows: Annotated[int, typer.Option(min=1, help="Customers in the sample ERP.")] = 2000,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where to make it.")
    ] = None,
) -> None:
    """See all of dualwrite at work, on two sample systems, in about two minutes."""
    project = folder or _free_folder()
    make_sandbox(project, rows)
    say("  (Prefect starts, which takes up to half a minute)")
    with own_prefect(project.resolve() / ".dualwrite" / "prefect") as where:
        last = asyncio.run(demo(project, rows))
        close_sessions()
    say("")
    say(f"What was held back:   dualwrite errors --project {project}")
    say(f"Where the maps stand: dualwrite status --project {project}")
    say(f"The quality report:   {project / 'reports' / 'quality' / 'index.html'} (any browser)")
    say(f"The journal:          {project / '.dualwrite' / 'journal.db'}")
    say(f"The runs in Prefect:  {where}")
    say("With your own data:   docs/tutorial.md")
    say(last)


if __name__ == "__main__":
    run_command(main)
