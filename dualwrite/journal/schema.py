"""The migration of a journal to the schema of this release, once, by whichever worker is first.

The stored version is read first without Alembic, whose import costs half a second: nearly
always it is already `HEAD`.  Otherwise one worker migrates under a lock; the others wait and
then find the new version.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dualwrite.errors import ConfigError
from dualwrite.journal.database import Database

HEAD = "0004"
"""The newest migration; a test compares it with the scripts."""

VERSION_TABLE = "journal_version"
MIGRATIONS = Path(__file__).parent / "migrations"
# An arbitrary number that all workers share.
_LOCK = 7_350_112


def migrate(database: Database) -> None:
    """Migrate when the stored version is not `HEAD`.

    Raises:
        ConfigError: A newer release wrote this journal.
        AppUnreachableError, AppRefusedError, AppBusyError: The database cannot be used now.
    """
    with database.reading() as connection:
        stored = _stored_version(connection)
    if stored == HEAD:
        return
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        stored = _stored_version(connection)
        if stored != HEAD:
            _migrate(connection, stored, database.app)


def _stored_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    return version


def _migrate(connection: Connection, stored: str | None, app: str) -> None:
    from alembic.config import Config
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    try:
        scripts.get_revision(stored or HEAD)
    except CommandError as error:
        msg = (
            f"{app}: a newer dualwrite wrote this journal (its version is {stored}, this release "
            f"knows versions up to {HEAD}). Nothing was changed.\n"
            "  Upgrade dualwrite on this machine: pip install --upgrade dualwrite"
        )
        raise ConfigError(msg) from error

    def steps(revision: object, _context: object) -> object:
        return scripts._upgrade_revs(HEAD, revision)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic.command does

    context = MigrationContext.configure(
        connection,
        opts={"fn": steps, "version_table": VERSION_TABLE, "transactional_ddl": True},
    )
    with Operations.context(context):
        context.run_migrations()
