"""What is decided before a run writes anything."""

from __future__ import annotations

import pytest

from dualwrite.link import Side
from dualwrite.sync.plan import MassDeleteError, guard_deletes


def guard(deletes: int, rows: int) -> None:
    guard_deletes(
        map_name="accounts", side=Side.DATAVERSE, deletes=deletes, rows=rows, command="dualwrite x"
    )


@pytest.mark.parametrize(
    ("deletes", "rows"),
    [
        pytest.param(50, 50, id="fifty rows may always go"),
        pytest.param(51, 255, id="a fifth may go"),
        pytest.param(0, 0, id="nothing"),
    ],
)
def test_small_deletes_pass(deletes, rows):
    guard(deletes, rows)


def test_emptying_a_side_is_refused():
    with pytest.raises(MassDeleteError) as refused:
        guard(51, 254)

    assert str(refused.value) == (
        "accounts: this would delete 51 of 254 rows in dataverse. Nothing was written.\n"
        "  If finops is really right, run: dualwrite x\n"
        "  If not, check the credentials, the companies and the filter of finops."
    )
