"""One workshop a kind of app."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dualwrite.apps.app import App
from tests.apps.capturing import CAPTURE
from tests.apps.workshops import CUSTOMER, GROUP, KINDS, Workshop, workshop


@pytest.fixture(params=KINDS)
def shop(
    request: pytest.FixtureRequest, fresh_database: Callable[[str], str]
) -> Iterator[Workshop]:
    """An empty app of each kind."""
    with workshop(
        request.param, fresh_database, lambda kind: request.getfixturevalue(f"{kind}_server")
    ) as made:
        yield made


@pytest.fixture
def sql_shop(shop: Workshop) -> Workshop:
    """An empty app of each kind that has SQL."""
    if shop.kind == "memory":
        pytest.skip("speaks no SQL")
    return shop


@pytest.fixture
def app(shop: Workshop) -> App:
    """An app of each kind with customers and their groups, both empty."""
    shop.create(GROUP, CUSTOMER)
    return shop.open()


@pytest.fixture
def watched(app: App) -> App:
    """The same, with the changes of customers captured."""
    app.install(CAPTURE)
    return app
