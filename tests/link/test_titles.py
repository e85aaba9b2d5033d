"""The titles under which people know the apps."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualwrite.link import AppNames, Side, app_names, load_link
from tests.link.test_link import GOOD, project

NAMES = AppNames({Side.FINOPS: "Contoso ERP", Side.DATAVERSE: "Contoso CE"})


def test_a_title_is_read_with_its_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_PASSWORD", "x")
    monkeypatch.setenv("TITLE", "Contoso ERP")
    titled = GOOD.replace("[apps.finops]\n", '[apps.finops]\ntitle = "${TITLE}"\n')

    names = load_link(project(tmp_path, titled)).names

    assert [names.of(side) for side in Side] == ["Contoso ERP (finops)", "dataverse"]
    assert [names.heading(side) for side in Side] == ["Contoso ERP (finops)", "Dataverse"]
    assert app_names(tmp_path) == names
    assert app_names(tmp_path / "elsewhere") == AppNames()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("finops: no answer (refused).", "Contoso ERP (finops): no answer (refused)."),
        ("dataverse.account: no table", "Contoso CE (dataverse).account: no table"),
        ("12 rows in finops and 3 in dataverse", None),
        ("Correct [apps.finops] url in dualwrite.toml", "the same"),
        ("groups, finops->dataverse: 2 rows", "the same"),
        ("dualwrite conflicts resolve 3 --take finops|dataverse", "the same"),
        ("dualwrite rows m --side=dataverse", "the same"),
        ("there is no file /srv/finops.db, and no finops.db", "the same"),
        ("GROUPID is 'finops', not `dataverse` or \"finops\"", "the same"),
        ("the queue dualwrite_q_finops of finops-2", "the same"),
        ("Contoso ERP (finops): no answer", "the same"),
    ],
    ids=str,
)
def test_a_message_has_the_title_where_a_person_reads_the_side(
    text: str, shown: str | None
) -> None:
    if shown is None:
        shown = "12 rows in Contoso ERP (finops) and 3 in Contoso CE (dataverse)"
    expected = text if shown == "the same" else shown

    assert NAMES.in_text(text) == expected
    assert NAMES.in_text(expected) == expected
    assert AppNames().in_text(text) == text
