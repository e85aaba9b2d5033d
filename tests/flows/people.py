"""Changes that users make directly in the databases of their apps."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dualwrite.link import Side

MAP = "customer-groups--msdyn-customergroups"
PARENT = "terms-of-payment--msdyn-paymentterms"
_COMPANY = "(select cdm_companyid from cdm_company where cdm_companycode = 'USMF')"


def describe(project: Path, side: Side, text: str, group: str = "10") -> None:
    """Change what a group of customers is called."""
    if side is Side.FINOPS:
        _run(
            project,
            side,
            "update CustCustomerGroupEntity set DESCRIPTION = ?"
            " where DATAAREAID = 'USMF' and CUSTOMERGROUPID = ?",
            text,
            group,
        )
    else:
        _run(
            project,
            side,
            "update msdyn_customergroup set msdyn_description = ?"
            f" where msdyn_company = {_COMPANY} and msdyn_groupid = ?",
            text,
            group,
        )


def described(project: Path, side: Side, group: str = "10") -> str | None:
    """What a group is called."""
    if side is Side.FINOPS:
        query = (
            "select DESCRIPTION from CustCustomerGroupEntity"
            " where DATAAREAID = 'USMF' and CUSTOMERGROUPID = ?"
        )
    else:
        query = (
            "select msdyn_description from msdyn_customergroup"
            f" where msdyn_company = {_COMPANY} and msdyn_groupid = ?"
        )
    return _run(project, side, query, group)


def make_group(project: Path, group: str, description: str, term: str = "Net30") -> None:
    """Make a group in the ERP."""
    _run(
        project,
        Side.FINOPS,
        "insert into CustCustomerGroupEntity"
        " (DATAAREAID, CUSTOMERGROUPID, DESCRIPTION, PAYMENTTERMID) values ('USMF', ?, ?, ?)",
        group,
        description,
        term,
    )


def make_term(project: Path, term: str) -> None:
    """Make terms of payment in the ERP."""
    _run(
        project,
        Side.FINOPS,
        "insert into PaymentTermEntity (DATAAREAID, NAME, DESCRIPTION, NUMBEROFDAYS)"
        " values ('USMF', ?, 'Within a week', 7)",
        term,
    )


def _run(project: Path, side: Side, statement: str, *values: str) -> str | None:
    with closing(sqlite3.connect(project / f"{side.value}.db", timeout=30)) as db, db:
        row = db.execute(statement, values).fetchone()
    return row[0] if row else None
