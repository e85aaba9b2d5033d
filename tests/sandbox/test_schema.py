"""The sandbox's tables, on every database that they are made for."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from dualwrite.sandbox.schema import ColumnKind, create_tables, sandbox_tables

DATABASES = ("sqlite", "postgresql", "mariadb")


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", DATABASES)
def test_an_app_describes_the_tables_as_defined(fresh_database, kind, side):
    url = fresh_database(kind)
    create_tables(url, side)
    app = open_app(side, url)

    assert set(app.tables()) == set(sandbox_tables(side))
    for table in sandbox_tables(side).values():
        schema = app.schema(table.name)
        assert schema.primary_key == ((table.id_column,) if table.id_column else table.key)
        assert table.id_column is None or table.key in schema.unique
        for column in table.columns.values():
            found = schema.columns[column.name]
            assert found.nullable == (not column.required)
            assert found.exact
            assert found.references == (
                None
                if column.references is None
                else type(found.references)(column.references, f"{column.references}id")
            )
            if column.kind is ColumnKind.TEXT:
                assert found.length == column.length
            if column.kind is ColumnKind.TIMESTAMP:
                assert pa.types.is_timestamp(found.type)
            else:
                assert found.type == column.arrow, (table.name, column.name)
    app.close()


@pytest.mark.parametrize("kind", DATABASES)
def test_the_database_gives_a_row_its_id_and_its_moment(fresh_database, kind):
    url = fresh_database(kind)
    create_tables(url, Side.DATAVERSE, only=["cdm_company"])
    app = open_app(Side.DATAVERSE, url)
    schema = app.schema("cdm_company")

    assert schema.columns["cdm_companyid"].has_default
    assert schema.columns["modifiedon"].has_default
    rows = pa.table({"cdm_companycode": ["USMF", "DEMF"], "cdm_name": ["Contoso", "Süd"]})
    assert app.write("cdm_company", rows, key=["cdm_companycode"]).inserted == 2
    app.close()


def test_some_tables_come_with_those_that_they_point_at(fresh_database):
    url = fresh_database("sqlite")
    create_tables(url, Side.DATAVERSE, only=["msdyn_customergroup"])
    app = open_app(Side.DATAVERSE, url)

    assert list(app.tables()) == [
        "cdm_company",
        "msdyn_customergroup",
        "msdyn_paymentday",
        "msdyn_paymentschedule",
        "msdyn_paymentterm",
    ]
    app.close()


def test_an_unknown_table_is_refused(fresh_database):
    with pytest.raises(KeyError, match="acount"):
        create_tables(fresh_database("sqlite"), Side.DATAVERSE, only=["acount"])
