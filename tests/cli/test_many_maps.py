"""Of many maps a command tells the sum, and shows those of which there is something to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import GROUPS, Call, as_json, change

NAMES = [f"groups-{number}" for number in range(7)]
EQUAL = "  to dataverse                 3           0           3           0           0\n"


@pytest.fixture
def many(project: Path) -> Path:
    """A project of seven maps over one pair of tables: the first finds work, the others none."""
    (project / "maps" / "groups.yaml").unlink()
    for name in NAMES:
        text = GROUPS.replace("map: groups", f"map: {name}")
        (project / "maps" / f"{name}.yaml").write_text(text, encoding="utf-8")
    change(project / "finops.db", "UPDATE CustGroup SET DESCRIPTION = 'x' WHERE GROUPID = '30'")
    return project


def test_a_run_shows_the_maps_that_did_something(call: Call, many: Path) -> None:
    done = call("run", *NAMES, "--project", many)

    assert done.out == (
        "                            Read     Written       Equal    Rejected      Parked\n"
        "groups-0\n"
        "  to dataverse                 3           2           1           0           0\n"
        "\n"
        "7 maps run; 21 rows read, 2 written, 19 equal, 0 held.\n"
    )
    again = call("run", *NAMES, "--initial-sync", "--project", many).out
    assert again == "\n7 maps run; 21 rows read, 0 written, 21 equal, 0 held.\n"
    every = call("run", *NAMES, "--initial-sync", "--verbose", "--project", many).out
    assert every.count(EQUAL) == 7
    script = as_json(call, "run", *NAMES, "--initial-sync", "--project", many)
    assert [each["map"] for each in script["maps"]] == NAMES


def test_a_cycle_shows_the_maps_that_did_something(call: Call, many: Path) -> None:
    call("run", *NAMES, "--project", many)
    change(many / "finops.db", "UPDATE CustGroup SET DESCRIPTION = 'y' WHERE GROUPID = '30'")

    done = call("sync", "--project", many).out

    assert done.splitlines()[1:] == [
        "groups-0",
        "  to dataverse               1         1         0         0         0         0",
        "",
        "7 maps; 7 rows read, 1 written, 6 equal, 0 held.",
    ]
    change(many / "finops.db", "UPDATE CustGroup SET DESCRIPTION = 'z' WHERE GROUPID = '30'")
    assert call("sync", "--verbose", "--project", many).out.count("groups-") == 7


def test_a_check_shows_the_items_to_repair(call: Call, many: Path) -> None:
    # seven maps, and their rights on both tables; link, journal and two apps
    assert call("check", "--project", many).out == (
        "\n7 maps, 25 items: everything is in place; --verbose shows all.\n"
    )
    assert call("check", "--verbose", "--project", many).out.count("\nok    map groups-") == 7
    file = many / "maps" / "groups-3.yaml"
    file.write_text(file.read_text().replace("DESCRIPTION =", "DESCRIPTIN ="))

    done = call("check", "--project", many)

    assert done.out.startswith("FAULT map groups-3: DW1022")
    assert done.out.endswith("\n7 maps, 23 items: 1 item to repair; --verbose shows all.\n")
    assert done.code == 1
    assert len(as_json(call, "check", "--project", many, code=1)["items"]) == 23
