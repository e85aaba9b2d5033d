from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    ConfigError,
    PermanentError,
)
from dualwrite.journal import database, upgrade
from dualwrite.journal.models import Base
from dualwrite.journal.records import MapStatus
from dualwrite.journal.store import Journal

PROCESS = """
import sys
from dualwrite.journal.records import MapStatus
from dualwrite.journal.store import Journal
with Journal.open(sys.argv[1]) as journal:
    for number in range(20):
        journal.log(None, "note", f"{sys.argv[2]} {number}")
"""


def test_several_processes_open_it_for_the_first_time_at_once(url: str) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", PROCESS, url, str(number)]) for number in range(4)
    ]

    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    with Journal.open(url) as journal:
        assert len(journal.activity(limit=1000)) == 80


def test_several_threads_open_it_for_the_first_time_at_once(url: str) -> None:
    def open_and_write(number: int) -> None:
        with Journal.open(url) as journal:
            journal.set_status(f"m{number}", MapStatus.RUNNING, reason="test")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(open_and_write, range(6)))

    with Journal.open(url) as journal:
        assert len(journal.maps()) == 6


def test_alembic_is_not_imported_for_a_journal_that_is_up_to_date(url: str) -> None:
    Journal.open(url).close()
    code = (
        "import sys; from dualwrite.journal.store import Journal; "
        "Journal.open(sys.argv[1]).close(); "
        "print(sorted({'alembic', 'pyarrow', 'pandas', 'pydantic'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, url], check=True, capture_output=True, text=True
    )

    assert done.stdout == "[]\n"


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    Journal.open(url).close()
    engine = database.open_engine(url, app="journal")

    with engine.connect() as connection:
        options = {"version_table": upgrade.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_journal_of_the_first_release_is_taken_over_with_what_it_holds(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "HEAD", "0001")
    Journal.open(url).close()
    engine = database.open_engine(url, app="journal")
    with database.writing(engine, "journal") as connection:
        connection.execute(
            text(
                "INSERT INTO journal_map (name, status, since, queues) "
                "VALUES ('m', 'running', '2026-01-01 10:00:00', '{}')"
            )
        )
        connection.execute(
            text(
                'INSERT INTO journal_held (id, kind, map, direction, "key", cause, reason, '
                "\"column\", cure, \"row\", at) VALUES (7, 'rejected', 'm', "
                "'finops->dataverse', '{\"ID\"\\:\"1\"}', 'required', 'blank', '', '', '{}', "
                "'2026-01-01 10:00:00')"
            )
        )
    engine.dispose()
    monkeypatch.undo()

    with Journal.open(url) as journal:
        [record] = journal.maps()
        [held] = journal.rejected()

    assert (record.status, record.pending, record.waits) == (MapStatus.RUNNING, {}, None)
    assert (held.id, held.key, held.changed) == (7, {"ID": "1"}, None)


def test_head_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [upgrade.HEAD]


def test_a_journal_of_a_newer_release_is_left_alone(url: str) -> None:
    Journal.open(url).close()
    engine = database.open_engine(url, app="journal")
    with database.writing(engine, "journal") as connection:
        connection.execute(text("UPDATE journal_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(ConfigError) as told:
        Journal.open(url)

    assert str(told.value) == (
        "journal: a newer dualwrite wrote this journal (version 9999, this one knows up to "
        f"{upgrade.HEAD}). Nothing was changed.\n"
        "  Upgrade dualwrite on this machine: pip install --upgrade dualwrite"
    )


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        (
            "journal.db",
            (
                "[journal] url: it is no database url. Nothing was read or written.\n"
                "  Write it as sqlite:///.dualwrite/journal.db or postgresql://user@host/database."
            ),
        ),
        (
            "mysql://h/d",
            (
                "[journal] url: the journal cannot live in mysql. Nothing was read or written.\n"
                "  Use sqlite:///.dualwrite/journal.db, or PostgreSQL where several machines work."
            ),
        ),
        (
            "sqlite://",
            (
                "[journal] url: a journal in memory would forget what is done when the command "
                "ends. Nothing was read or written.\n"
                "  Name a file: sqlite:///.dualwrite/journal.db"
            ),
        ),
    ],
    ids=["no url", "another database", "in memory"],
)
def test_a_url_that_cannot_be_is_refused(url: str, whole: str) -> None:
    with pytest.raises(ConfigError) as told:
        Journal.open(url)

    assert str(told.value) == whole


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(ConfigError) as told:
        Journal.open(f"sqlite:///{file}")

    assert str(told.value) == (
        "journal: the file is not a journal (file is not a database). Nothing was changed.\n"
        "  Name another file in [journal] url, or restore this one from a backup."
    )
    assert file.read_text().startswith("Dear")


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()

    with pytest.raises(AppUnreachableError) as told:
        Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")

    assert str(told.value) == (
        "journal: no answer (unable to open database file). Nothing half-written was kept.\n"
        "  Check that the server runs and that [journal] url is right, then repeat the command: "
        "it goes on where it stopped."
    )


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(AppUnreachableError, match=r"File exists|Not a directory"):
        Journal.open(f"sqlite:///{tmp_path}/file/journal.db")


def test_a_journal_that_another_holds_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Journal.open(url) as journal:
        holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(AppBusyError) as told:
            journal.log(None, "note", "held up")
        assert journal.activity() == []

        holder.close()
        journal.log(None, "note", "through")

    assert str(told.value) == (
        "journal: busy (database is locked). The transaction was rolled back, nothing was lost.\n"
        "  Close what holds the lock, or wait, and repeat the command."
    )


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(AppUnreachableError):
        Journal.open("postgresql://nobody@127.0.0.1:1/none")


def test_a_database_that_is_not_there_is_refused(fresh_database: Callable[[str], str]) -> None:
    url = make_url(fresh_database("postgresql")).set(database="never_made")

    with pytest.raises(AppRefusedError) as told:
        Journal.open(url.render_as_string(hide_password=False))

    assert str(told.value) == (
        'journal: refused the connection (database "never_made" does not exist). '
        "Nothing was read or written.\n"
        "  Check the user, the password and the database (or file) of [journal] in dualwrite.toml."
    )


@pytest.mark.parametrize(
    ("sqlstate", "group"),
    [("40P01", "AppBusyError"), ("55P03", "AppBusyError"), ("53100", "StorageFullError")],
)
def test_what_the_server_raises_is_told_by_what_to_do_next(
    fresh_database: Callable[[str], str], sqlstate: str, group: str
) -> None:
    engine = create_engine(
        make_url(fresh_database("postgresql")).set(drivername="postgresql+psycopg")
    )
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"

    with pytest.raises(Exception, match="journal") as told:  # noqa: SIM117 - one thing each
        with database.writing(engine, "journal") as connection:
            connection.execute(text(raising))
    engine.dispose()

    assert type(told.value).__name__ == group


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Journal.open(url) as journal:
        with journal._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(PermanentError) as told:
            journal.log(None, "note", "x" * 1_000_000)

    assert str(told.value) == (
        "journal: the disk is full (database or disk is full). The transaction was rolled back, "
        "what was committed before stays.\n"
        "  Free some space and repeat the command: it goes on where it stopped."
    )
