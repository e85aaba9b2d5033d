"""What `check` says of lookups: their tables must be there to be read."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dualwrite.apps.sql.core.app import SqlApp
from tests.cli.conftest import GROUPS, Call

NEW_COLUMNS = """\
  - UNIT = unit_id.symbol
  - NOTE >> note: {python: contoso_notes:clean}
"""


@pytest.fixture
def looking(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project; its groups look into units, by `lookups: {column: table}`."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "contoso_notes", raising=False)
    text = GROUPS.replace(
        "key: [msdyn_groupid]", "key: [msdyn_groupid]\n  lookups: {unit_id: unit}"
    )
    (project / "maps" / "groups.yaml").write_text(text + NEW_COLUMNS, encoding="utf-8")
    (project / "contoso_notes.py").write_text("def clean(values):\n    return values\n")
    with closing(sqlite3.connect(project / "finops.db")) as erp, erp:
        erp.execute("ALTER TABLE CustGroup ADD COLUMN UNIT VARCHAR(10)")
        erp.execute("ALTER TABLE CustGroup ADD COLUMN NOTE VARCHAR(10)")
        erp.execute("UPDATE CustGroup SET UNIT = 'kg'")
    with closing(sqlite3.connect(project / "dataverse.db")) as crm, crm:
        crm.execute("CREATE TABLE unit (id INTEGER PRIMARY KEY, symbol VARCHAR(10) UNIQUE)")
        crm.execute("INSERT INTO unit VALUES (1, 'kg')")
        crm.execute("ALTER TABLE msdyn_group ADD COLUMN unit_id BIGINT")
        crm.execute("ALTER TABLE msdyn_group ADD COLUMN note VARCHAR(10)")
    return project


def test_a_lookup_declared_by_its_table_and_a_function_beside_the_project_are_sound(
    call: Call, looking: Path
) -> None:
    checked = json.loads(call("maps", "check", "groups", "--project", looking, "--json").out)

    assert [each for each in checked["findings"] if each["severity"] == "error"] == []
    done = call("run", "groups", "--project", looking)
    assert done.code == 0, done.out + done.err


def test_an_unknown_function_is_reported_with_its_line(call: Call, looking: Path) -> None:
    (looking / "contoso_notes.py").write_text("")

    done = call("maps", "check", "groups", "--project", looking)

    assert done.code == 1
    assert (
        "groups.yaml:16: DW1128 NOTE >> note: contoso_notes:clean cannot be imported: "
        "contoso_notes has no function 'clean'\n"
        "  put its module beside dualwrite.toml, or install it where dualwrite runs\n"
    ) in done.out


def test_check_looks_at_the_rights_on_the_tables_of_lookups(
    call: Call, looking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_rights = frozenset({"select", "insert", "update", "delete"})
    monkeypatch.setattr(
        SqlApp,
        "privileges",
        lambda _, table: all_rights - {"select"} if table == "unit" else all_rights,
    )

    done = call("check", "groups", "--project", looking)

    assert done.code == 1
    assert (
        "FAULT rights on dataverse.unit: our user may not select\n      -> grant select\n"
    ) in done.out
