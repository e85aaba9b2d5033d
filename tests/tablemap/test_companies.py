"""Which companies of a link a map carries."""

from dataclasses import replace

import pytest

from dualwrite.tablemap.companies import companies_of, unknown_companies
from tests.tablemap.samples import sample

LINK = ("USMF", "DEMF", "FRMF")


@pytest.mark.parametrize(
    ("companies", "excluded", "expected"),
    [
        pytest.param(None, (), LINK, id="all of the link"),
        pytest.param(("DEMF",), (), ("DEMF",), id="one"),
        pytest.param(("FRMF", "USMF"), (), ("USMF", "FRMF"), id="in the link's order"),
        pytest.param(("usmf",), (), ("USMF",), id="in the link's spelling"),
        pytest.param(None, ("demf",), ("USMF", "FRMF"), id="all but one"),
        pytest.param(("USMF",), ("USMF",), (), id="excluded after all"),
        pytest.param((), (), (), id="none"),
        pytest.param(("XXXX",), (), (), id="not of the link"),
    ],
)
def test_companies_of_a_map(companies, excluded, expected):
    table_map = replace(sample(), companies=companies, companies_excluded=excluded)

    assert companies_of(table_map, LINK) == expected


def test_a_global_map_has_no_companies():
    assert companies_of(sample("global.yaml"), LINK) is None


def test_companies_that_the_link_does_not_know():
    table_map = replace(sample(), companies=("usmf", "GBMF"), companies_excluded=("NLMF",))

    assert unknown_companies(table_map, LINK) == ("GBMF", "NLMF")
