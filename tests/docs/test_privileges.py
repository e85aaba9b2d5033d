"""The privileges of docs/reference/privileges.md are sufficient on real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from dualwrite.errors import PrivilegeError
from dualwrite.journal.records import Counts
from dualwrite.link import Side, write_config
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import open_session
from dualwrite.tablemap.model import Master
from tests.docs.pages import DOCS, blocks, section, text_of
from tests.servers.running import Server

NAME = "customer-groups--msdyn-customergroups"
PAGE = text_of(DOCS / "reference" / "privileges.md")
TITLES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB, MySQL"}


def grants(kind: str) -> list[str]:
    """The statements of the page, against a database of the test's own."""
    text = "".join(block.text for block in blocks(section(PAGE, TITLES[kind]), "sql"))
    text = re.sub(r"\bdatabase crm\b", "database leastbox_dataverse", text)
    text = re.sub(r"\bcrm\.", "leastbox_dataverse.", text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


@pytest.fixture
def least(request: pytest.FixtureRequest, tmp_path: Path):
    """A sandbox whose dataverse is reached by the user of the page, rights granted so far: none."""
    kind: str = request.param
    server: Server = request.getfixturevalue(f"{kind}_server")
    url = sa.make_url(server.url)
    crm = url.set(database="leastbox_dataverse")
    on = url if kind == "postgresql" else url.set(database=None)
    create_sandbox(
        tmp_path / "leastbox", rows=50, on=on.render_as_string(hide_password=False), replace=True
    )
    address = crm.render_as_string(hide_password=False)
    if kind == "postgresql":
        # Everybody has it by default, and who is careful takes it away.
        server.execute("revoke all on database leastbox_dataverse from public", url=address)
    erp = url.set(database="leastbox_finops").render_as_string(hide_password=False)
    urls = {
        Side.FINOPS: erp,
        Side.DATAVERSE: crm.set(username="crm_dw", password="change-me").render_as_string(
            hide_password=False
        ),
    }
    project = tmp_path / "project"
    project.mkdir()
    write_config(project, name="least", companies=["USMF"], urls=urls)
    yield kind, project, server, address
    if kind == "postgresql":
        server.execute("drop owned by crm_dw cascade", url=address)
    server.execute(
        "drop database leastbox_finops",
        "drop database leastbox_dataverse",
        "drop role crm_dw" if kind == "postgresql" else "drop user crm_dw",
    )


def run(project: Path) -> Counts:
    with open_session(project) as session:
        plan = make_plan(session, [NAME], master=Master.FINOPS)
        (result,) = run_maps(session, plan, RunOptions())
    return result.counts["finops->dataverse"]


@pytest.mark.slow
@pytest.mark.parametrize("least", ["postgresql", "mariadb"], indirect=True)
def test_a_user_with_the_documented_privileges_can_write(least):
    kind, project, server, address = least
    statements = grants(kind)
    temporary = [text for text in statements if "temporary" in text]
    server.execute(*[text for text in statements if text not in temporary], url=address)
    if kind == "postgresql":
        server.execute("grant connect on database leastbox_dataverse to crm_dw", url=address)

    if kind == "mariadb":  # PostgreSQL takes so few rows without a table of their own
        with pytest.raises(PrivilegeError, match="our user lacks the right to"):
            run(project)
    server.execute(*temporary, url=address)

    assert run(project).written > 0
