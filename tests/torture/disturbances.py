"""What is done to a live worker, its journal, its network and its databases while users write.

Each is a context: it disturbs until it is left.  None may lose a change, or overwrite one unseen.
"""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from dualwrite.link import Side
from dualwrite.sandbox.schema.creating import driver_url
from tests.connections.proxy import Proxy

Live = subprocess.Popen[bytes]
Disturbance = Callable[[Live], AbstractContextManager[None]]

REFUSED, IGNORED = "S01", "S02"
"""The shared accounts that the disturbed dataverse does not take from finops."""
SETS_OFF, SET_OFF = "S03", "S04"
"""A shared account of which a write by finops changes another row there."""


@contextmanager
def frozen(live: Live) -> Iterator[None]:
    """A worker that does not run, and has its locks all the same."""
    live.send_signal(signal.SIGSTOP)
    yield
    live.send_signal(signal.SIGCONT)


def journal_locked(journal: Path) -> Disturbance:
    """Somebody else writes in the journal, and does not end."""

    @contextmanager
    def disturb(_: Live) -> Iterator[None]:
        with sqlite3.connect(journal, timeout=30, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        other.close()

    return disturb


@contextmanager
def full_disk(live: Live) -> Iterator[None]:
    """No file of the worker takes a byte: what its journal is told fails, and nothing else."""
    before = resource.prlimit(live.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(live.pid, resource.RLIMIT_FSIZE, before)


def silent(proxy: Proxy) -> Disturbance:
    """A network to the dataverse that loses all bytes and closes no connection."""

    @contextmanager
    def disturb(_: Live) -> Iterator[None]:
        proxy.silent.set()
        yield
        proxy.silent.clear()

    return disturb


def refusing(url: str) -> Disturbance:
    """The dataverse refuses finops' values of one account: at the commit where it can."""
    raises = "RAISE EXCEPTION 'not this one'; RETURN NULL;"
    return _with_trigger(
        url,
        {
            "postgresql": (
                (
                    f"CREATE FUNCTION disturbing() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN {raises} END $$"
                ),
                (
                    f"CREATE CONSTRAINT TRIGGER disturbing AFTER UPDATE ON customer DEFERRABLE "
                    f"INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.accountnumber = '{REFUSED}' "
                    "AND NEW.name LIKE 'finops%') EXECUTE FUNCTION disturbing()"
                ),
            ),
            "mysql": (
                (
                    f"CREATE TRIGGER disturbing BEFORE UPDATE ON customer FOR EACH ROW "
                    f"IF NEW.accountnumber = '{REFUSED}' AND NEW.name LIKE 'finops%' "
                    "THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF"
                ),
            ),
        },
    )


def ignoring(url: str) -> Disturbance:
    """A trigger of the dataverse keeps its own value of one account, and says nothing."""
    return _with_trigger(
        url,
        {
            "postgresql": (
                (
                    "CREATE FUNCTION disturbing() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN RETURN NULL; END $$"
                ),
                (
                    f"CREATE TRIGGER disturbing BEFORE UPDATE ON customer FOR EACH ROW "
                    f"WHEN (NEW.accountnumber = '{IGNORED}' AND NEW.name LIKE 'finops%') "
                    "EXECUTE FUNCTION disturbing()"
                ),
            ),
            "mysql": (
                (
                    f"CREATE TRIGGER disturbing BEFORE UPDATE ON customer FOR EACH ROW "
                    f"IF NEW.accountnumber = '{IGNORED}' AND NEW.name LIKE 'finops%' "
                    "THEN SET NEW.name = OLD.name; END IF"
                ),
            ),
        },
    )


def cascading(url: str) -> Disturbance:
    """What finops writes changes more in the dataverse: another row, or another column of it.

    In MariaDB a trigger may not change other rows of its own table.
    """
    return _with_trigger(
        url,
        {
            "postgresql": (
                (
                    "CREATE FUNCTION disturbing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    "UPDATE customer SET phone = left(md5(NEW.name), 20) "
                    f"WHERE accountnumber = '{SET_OFF}'; RETURN NULL; END $$"
                ),
                (
                    f"CREATE TRIGGER disturbing AFTER UPDATE OF name ON customer FOR EACH ROW "
                    f"WHEN (NEW.accountnumber = '{SETS_OFF}' AND NEW.name LIKE 'finops%') "
                    "EXECUTE FUNCTION disturbing()"
                ),
            ),
            "mysql": (
                (
                    f"CREATE TRIGGER disturbing BEFORE UPDATE ON customer FOR EACH ROW "
                    f"IF NEW.accountnumber = '{SETS_OFF}' AND NEW.name LIKE 'finops%' "
                    "THEN SET NEW.phone = left(md5(NEW.name), 20); END IF"
                ),
            ),
        },
    )


def _with_trigger(url: str, create: Mapping[str, tuple[str, ...]]) -> Disturbance:
    @contextmanager
    def disturb(_: Live) -> Iterator[None]:
        engine = sa.create_engine(driver_url(url), isolation_level="AUTOCOMMIT")
        on = " ON customer" if engine.dialect.name == "postgresql" else ""
        drop = [f"DROP TRIGGER IF EXISTS disturbing{on}"]
        drop += ["DROP FUNCTION IF EXISTS disturbing()"] * bool(on)
        try:
            _execute(engine, (*drop, *create[engine.dialect.name]))
            yield
            _execute(engine, drop)
        finally:
            engine.dispose()

    return disturb


def _execute(engine: sa.Engine, statements: list[str] | tuple[str, ...]) -> None:
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@contextmanager
def disturbances(project: Path, urls: Mapping[Side, str]) -> Iterator[dict[str, Disturbance]]:
    """All of them, by name; the project reaches its dataverse through a proxy meanwhile."""
    there = urls[Side.DATAVERSE]
    config = project / "dualwrite.toml"
    direct = config.read_text(encoding="utf-8")
    with Proxy(sa.make_url(there)) as proxy:
        through = proxy.url.render_as_string(hide_password=False)
        config.write_text(direct.replace(there, through), encoding="utf-8")
        yield {
            "frozen": frozen,
            "full disk": full_disk,
            "journal locked": journal_locked(project / ".dualwrite" / "journal.db"),
            "silent": silent(proxy),
            "refusing": refusing(there),
            "ignoring": ignoring(there),
            "cascading": cascading(there),
        }
    config.write_text(direct, encoding="utf-8")
