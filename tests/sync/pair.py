"""A project of two databases with tables and maps of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dualwrite.link import Side
from dualwrite.operations.mapchecks import findings_of
from dualwrite.operations.queries.reconcile import reconcile
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.model import Master
from tests.apps.workshops import Workshop, workshop
from tests.servers.running import Server


@dataclass
class Pair:
    """Both databases, and the project once it is open."""

    folder: Path
    shops: dict[Side, Workshop]
    urls: dict[Side, str] = field(default_factory=dict)
    """Where the project reaches a database by another URL."""
    _session: Session | None = None

    @property
    def session(self) -> Session:
        assert self._session is not None
        return self._session

    @contextmanager
    def open(self, **maps: str) -> Iterator[None]:
        """Open the project with these maps, each without its name and title."""
        for name, text in maps.items():
            path = self.folder / "maps" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"map: {name}\ntitle: {name}\n{text}", encoding="utf-8")
        apps = "".join(
            f'[apps.{side.value}]\nconnector = "sql"\nurl = "{self.urls.get(side, shop.url)}"\n'
            for side, shop in self.shops.items()
        )
        toml = f'[link]\nname = "pair"\ncompanies = []\n{apps}'
        (self.folder / "dualwrite.toml").write_text(toml, encoding="utf-8")
        with open_session(self.folder) as self._session:
            yield

    def findings(self, name: str) -> list[str]:
        session = self.session
        found = findings_of(session.catalogue, name, session.link, session.apps)
        return [f"{each.code} {each.message}: {each.cure}" for each in found]

    def run(self, *names: str) -> None:
        plan = make_plan(self.session, names, master=Master.FINOPS)
        run_maps(self.session, plan, RunOptions(workers=1))

    def cycle(self, *names: str) -> list[MapResult]:
        return list(run_cycle(self.session, names))

    def unexplained(self, name: str) -> int:
        return reconcile(self.session, name).unexplained

    def causes(self, name: str) -> list[str]:
        held = self.session.journal.held
        return [row.cause for row in (*held.rejected(name), *held.parked(name))]

    def execute(self, side: Side, *statements: str) -> None:
        self.shops[side].execute(*(self.spelled(side, each) for each in statements))

    def rows(self, side: Side, query: str) -> list[tuple[Any, ...]]:
        with self.shops[side].sql_hand() as hand:
            return [tuple(row) for row in hand.rows(self.spelled(side, query))]

    def spelled(self, side: Side, statement: str) -> str:
        """With names in the quotes of the database."""
        kind = self.shops[side].kind
        return statement.replace('"', "`") if kind == "mariadb" else statement


@contextmanager
def pair_of(
    folder: Path,
    kinds: Sequence[str],
    fresh_database: Callable[[str], str],
    server_of: Callable[[str], Server],
) -> Iterator[Pair]:
    """Two empty databases of these kinds."""
    with ExitStack() as stack:
        made = [stack.enter_context(workshop(k, fresh_database, server_of)) for k in kinds]
        yield Pair(folder, dict(zip(Side, made, strict=True)))
