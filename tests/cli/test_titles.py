"""Screens, messages and reports name each app by its title, beside the side's word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call, as_json, change

ERP, CE = "Contoso ERP (finops)", "Contoso CE (dataverse)"


@pytest.fixture
def titled(project: Path) -> Path:
    """The project, with a title for each app."""
    config = project / "dualwrite.toml"
    text = config.read_text(encoding="utf-8")
    for side, title in (("finops", "Contoso ERP"), ("dataverse", "Contoso CE")):
        head = next(line for line in text.splitlines() if line.startswith(f"[apps.{side}]"))
        text = text.replace(head, f'{head}\ntitle = "{title}"')
    config.write_text(text, encoding="utf-8")
    return project


def test_counts_have_room_for_titles(call: Call, titled: Path) -> None:
    assert call("run", "groups", "--project", titled).out == (
        "                                  Read   Written     Equal  Rejected    Parked\n"
        "groups\n"
        f"  to {CE}          3         1         1         1         0\n"
        "\n"
        "1 map runs; 3 rows read, 1 written, 1 equal, 1 held: dualwrite errors\n"
    )


def test_screens_show_titles_and_json_does_not(call: Call, titled: Path) -> None:
    call("run", "groups", "--project", titled)
    change(titled / "finops.db", "INSERT INTO CustGroup VALUES ('50', 'New')")

    assert f"{ERP}: 1 change waits." in call("queue", "groups", "--project", titled).out
    assert (
        f"  {ERP}: CustGroup, key GROUPID"
        in call("maps", "show", "groups", "--project", titled).out
    )
    assert f"ok    {CE}: 1 table at" in call("check", "--project", titled).out
    assert "Only Contoso" in call("reconcile", "groups", "--project", titled).out
    assert as_json(call, "queue", "groups", "--project", titled)["queues"].keys() == {
        "finops",
        "dataverse",
    }


def test_errors_and_reasons_show_titles(call: Call, titled: Path) -> None:
    call("run", "groups", "--project", titled)
    (titled / "dataverse.db").rename(titled / "elsewhere.db")

    done = call("reconcile", "groups", "--project", titled)
    script = call("reconcile", "groups", "--project", titled, "--json")
    status = call("status", "--project", titled)

    assert done.code == 1
    assert done.err.startswith(f"{CE}: there is no file {titled}/dataverse.db.")
    assert "Correct [apps.dataverse] url in dualwrite.toml" in done.err
    assert json.loads(script.out)["error"]["message"] == script.err.rstrip("\n")
    assert f"Pending in {CE}: as of the last cycle; {CE} was not asked." in status.out


def test_conflicts_show_titles(call: Call, titled: Path) -> None:
    own = titled / "maps" / "groups.yaml"
    own.write_text(own.read_text() + "conflicts: {policy: ask}\n", encoding="utf-8")
    call("run", "groups", "--project", titled)
    change(titled / "finops.db", "UPDATE CustGroup SET DESCRIPTION = 'a' WHERE GROUPID = '10'")
    change(
        titled / "dataverse.db",
        "UPDATE msdyn_group SET msdyn_description = 'b' WHERE msdyn_groupid = '10'",
    )
    call("sync", "--project", titled)

    shown = call("conflicts", "show", "1", "--project", titled)
    decided = call("conflicts", "resolve", "1", "--take", "finops", "--project", titled)

    assert ERP.split(" (", maxsplit=1)[0] in shown.out
    assert f"groups: conflict 1 (10) is closed: {ERP} wins\n" in decided.out
