from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    ConfigError,
    PermanentError,
)
from dualwrite.journal import database, schema
from dualwrite.journal.models import Base
from dualwrite.journal.records import ConflictStatus, MapStatus, Mark
from dualwrite.journal.store import Journal
from dualwrite.link import Side

PROCESS = """
import sys
from dualwrite.journal.records import MapStatus
from dualwrite.journal.store import Journal
with Journal.open(sys.argv[1]) as journal:
    for number in range(20):
        journal.activity.log(None, "note", f"{sys.argv[2]} {number}")
"""


def test_several_processes_create_a_journal_at_the_same_time(url: str) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", PROCESS, url, str(number)]) for number in range(4)
    ]

    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    with Journal.open(url) as journal:
        assert len(journal.activity.newest(limit=1000)) == 80


def test_several_threads_create_a_journal_at_the_same_time(url: str) -> None:
    def open_and_write(number: int) -> None:
        with Journal.open(url) as journal:
            journal.maps.set_status(f"m{number}", MapStatus.RUNNING, reason="test")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(open_and_write, range(6)))

    with Journal.open(url) as journal:
        assert len(journal.maps.all()) == 6


def test_alembic_is_not_imported_for_an_up_to_date_journal(url: str) -> None:
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


def test_the_migrations_create_the_tables_of_the_models(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    Journal.open(url).close()
    opened = database.open_database(url, app="journal")

    with opened.reading() as connection:
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    opened.close()


def test_a_journal_of_the_first_release_is_migrated_with_its_content(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", "0001")
    Journal.open(url).close()
    opened = database.open_database(url, app="journal")
    with opened.writing() as connection:
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
    opened.close()
    monkeypatch.undo()

    with Journal.open(url) as journal:
        [record] = journal.maps.all()
        [held] = journal.held.rejected()

    assert (record.status, record.pending, record.waits) == (MapStatus.RUNNING, {}, None)
    assert (held.id, held.key, held.changed) == (7, {"ID": "1"}, None)


def test_conflicts_and_marks_of_an_earlier_release_get_the_new_names(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", "0003")
    Journal.open(url).close()
    opened = database.open_database(url, app="journal")
    mark = r'{"finops"\: {"epoch"\: 7, "capture"\: "abc", "looked"\: "2026-01-01"}}'
    with opened.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO journal_map (name, status, since, queues, marks) "
                f"VALUES ('m', 'running', '2026-01-01 10:00:00', '{{}}', '{mark}')"
            )
        )
        connection.execute(
            text(
                'INSERT INTO journal_conflict (id, map, "key", token, kind, policy, status, '
                "outcome, at, settled_at, \"columns\") VALUES (3, 'm', '{}', 't', 'update', "
                "'newest', 'settled', 'finops', '2026-01-01 10:00:00', '2026-01-01 11:00:00', '{}')"
            )
        )
    opened.close()
    monkeypatch.undo()

    with Journal.open(url) as journal:
        [stored] = journal.conflicts.find(open_only=False)
        marks = journal.maps.marks("m")

    assert stored.conflict.status is ConflictStatus.CLOSED
    assert stored.closed_at == datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert marks == {Side.FINOPS: Mark(7, "abc", "2026-01-01")}


def test_head_names_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_a_journal_of_a_newer_release_is_refused(url: str) -> None:
    Journal.open(url).close()
    opened = database.open_database(url, app="journal")
    with opened.writing() as connection:
        connection.execute(text("UPDATE journal_version SET version_num = '9999'"))
    opened.close()

    with pytest.raises(ConfigError) as caught:
        Journal.open(url)

    assert str(caught.value) == (
        "journal: a newer dualwrite wrote this journal (its version is 9999, this release "
        f"knows versions up to {schema.HEAD}). Nothing was changed.\n"
        "  Upgrade dualwrite on this machine: pip install --upgrade dualwrite"
    )


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        (
            "journal.db",
            (
                "[journal] url: this is not a database url. Nothing was read or written.\n"
                "  Write it as sqlite:///.dualwrite/journal.db or postgresql://user@host/database."
            ),
        ),
        (
            "mysql://h/d",
            (
                "[journal] url: mysql cannot hold the journal. Nothing was read or written.\n"
                "  Use sqlite:///.dualwrite/journal.db, or PostgreSQL for workers on several "
                "machines."
            ),
        ),
        (
            "sqlite://",
            (
                "[journal] url: a journal in memory would be lost when the command "
                "ends. Nothing was read or written.\n"
                "  Name a file: sqlite:///.dualwrite/journal.db"
            ),
        ),
    ],
    ids=["not a url", "another database", "in memory"],
)
def test_an_unusable_url_is_refused(url: str, whole: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Journal.open(url)

    assert str(caught.value) == whole


def test_a_file_that_is_not_a_journal_is_refused_and_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(ConfigError) as caught:
        Journal.open(f"sqlite:///{file}")

    assert str(caught.value) == (
        "journal: the file is not a journal (file is not a database). Nothing was changed.\n"
        "  Name another file in [journal] url, or restore this one from a backup."
    )
    assert file.read_text().startswith("Dear")


def test_a_file_that_cannot_be_opened_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()

    with pytest.raises(AppUnreachableError) as caught:
        Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")

    assert str(caught.value) == (
        "journal: no answer (unable to open database file). Nothing half-written was kept.\n"
        "  Check that the server runs and that [journal] url is right, then repeat the command: "
        "it continues where it stopped."
    )


def test_a_folder_that_cannot_be_created_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(AppUnreachableError, match=r"File exists|Not a directory"):
        Journal.open(f"sqlite:///{tmp_path}/file/journal.db")


def test_a_locked_journal_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Journal.open(url) as journal:
        holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(AppBusyError) as caught:
            journal.activity.log(None, "note", "locked")
        assert journal.activity.newest() == []

        holder.close()
        journal.activity.log(None, "note", "unlocked")

    assert str(caught.value) == (
        "journal: busy (database is locked). The transaction was rolled back, nothing was lost.\n"
        "  Close what holds the lock, or wait, and repeat the command."
    )


def test_a_missing_server_is_unreachable() -> None:
    with pytest.raises(AppUnreachableError):
        Journal.open("postgresql://nobody@127.0.0.1:1/none")


def test_a_missing_database_is_refused(fresh_database: Callable[[str], str]) -> None:
    url = make_url(fresh_database("postgresql")).set(database="never_made")

    with pytest.raises(AppRefusedError) as caught:
        Journal.open(url.render_as_string(hide_password=False))

    assert str(caught.value) == (
        'journal: refused the connection (database "never_made" does not exist). '
        "Nothing was read or written.\n"
        "  Check the user, the password and the database (or file) of [journal] in dualwrite.toml."
    )


@pytest.mark.parametrize(
    ("sqlstate", "group"),
    [("40P01", "AppBusyError"), ("55P03", "AppBusyError"), ("53100", "StorageFullError")],
)
def test_an_error_of_the_server_becomes_an_error_of_the_engine(
    fresh_database: Callable[[str], str], sqlstate: str, group: str
) -> None:
    opened = database.open_database(fresh_database("postgresql"), app="journal")
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"

    with pytest.raises(Exception, match="journal") as caught:  # noqa: SIM117 - one thing each
        with opened.writing() as connection:
            connection.execute(text(raising))
    opened.close()

    assert type(caught.value).__name__ == group


def test_a_full_disk_is_an_error_of_its_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Journal.open(url) as journal:
        with journal._database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(PermanentError) as caught:
            journal.activity.log(None, "note", "x" * 1_000_000)

    assert str(caught.value) == (
        "journal: the disk is full (database or disk is full). The transaction was rolled back, "
        "what was committed before stays.\n"
        "  Free some space and repeat the command: it continues where it stopped."
    )
