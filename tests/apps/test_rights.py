"""A right that our user lacks is reported with the table that it is lacking on."""

from __future__ import annotations

import pytest

from dualwrite.errors import PrivilegeError
from dualwrite.tablemap.schema import Reference
from tests.apps.reading import asking
from tests.apps.sql.core.test_faults import changed
from tests.apps.workshops import Workshop, number, table, text

LOOKUPS = {"there": Reference("shut to us", "id")}


@pytest.fixture
def served(sql_shop: Workshop) -> Workshop:
    """A shop with users of its own."""
    if sql_shop.kind == "sqlite":
        pytest.skip("has no users")
    return sql_shop


def test_the_table_behind_a_lookup_is_named(served: Workshop) -> None:
    served.create(
        table("open to us", text("k"), number("there"), key=("k",)),
        table("shut to us", number("id"), text("name"), key=("id",)),
    )
    opened = served.quote("open to us")
    user = "clerk_r" if served.kind == "postgresql" else "clerk_r@'%'"
    word = "ROLE clerk_r LOGIN" if served.kind == "postgresql" else f"USER {user}"
    served.execute(f"CREATE {word}", f"GRANT SELECT ON {opened} TO {user}")
    owner, app = served.open(), served.open(changed(served.url, username="clerk_r"))
    query = asking("open to us", "k", "there.name", lookups=LOOKUPS)
    # the app of the owner has read what is there, ours knows it too
    app.schema = owner.schema  # type: ignore[method-assign]
    try:
        with pytest.raises(PrivilegeError) as caught:
            app.read(query)
        assert caught.value.table == "shut to us"
    finally:
        app.close()
        if served.kind == "postgresql":
            served.execute("DROP OWNED BY clerk_r", "DROP ROLE clerk_r")
        else:
            served.execute(f"DROP USER {user}")
