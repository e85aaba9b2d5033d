"""The contract of what a writing only tries: done whole, or all as it was and the writing goes on.

`test_capture_contract.py` runs it against all apps.  An app of which a wait takes back more than
a step tries nothing; then nothing is done.
"""

from __future__ import annotations

import pytest

from dualwrite.apps.app import App
from tests.apps.capturing import CAPTURE, G1, one_writer, recorded
from tests.apps.reading import customers, held, of_customers
from tests.apps.workshops import KEY, Workshop
from tests.apps.writings import ONE, OURS

MANY = tuple(f"C{number:04d}" for number in range(1500))


def names(app: App) -> set[str | None]:
    return {row["name"] for row in held(app, of_customers("name"))}


def tries(shop: Workshop) -> bool:
    """Whether the app tries at all."""
    return shop.kind != "mariadb"


class Trying:
    @pytest.mark.parametrize("accounts", [("C1", "C2"), MANY])
    def test_what_is_done_stays(self, shop: Workshop, watched: App, accounts: tuple[str]) -> None:
        watched.write("customer", customers(*accounts, name="old"), key=KEY)
        with watched.writing(OURS) as writing:

            def work() -> bool:
                writing.update("customer", customers(*accounts, name="new"), key=KEY)
                return len(writing.entries(CAPTURE, customers(*accounts))) == len(accounts)

            assert writing.attempt(work) == tries(shop)

        assert names(watched) == ({"new"} if tries(shop) else {"old"})

    @pytest.mark.parametrize("accounts", [("C1", "C2"), MANY])
    def test_what_is_not_done_leaves_all_as_it_was(
        self, watched: App, accounts: tuple[str]
    ) -> None:
        watched.write("customer", customers(*accounts, name="old"), key=KEY)
        with watched.writing(OURS) as writing:

            def work() -> bool:
                writing.update("customer", customers(*accounts, name="new"), key=KEY)
                writing.entries(CAPTURE, customers(*accounts))
                return False

            assert not writing.attempt(work)
            assert writing.lock(of_customers("name"), customers(*accounts)).rows.num_rows
            assert len(writing.entries(CAPTURE, customers(*accounts))) == len(accounts)
            writing.insert("customer", customers("D1", name="beside"), key=KEY)

        assert names(watched) == {"old", "beside"}
        assert ("i", "USMF", "D1") not in recorded(watched)

    def test_what_the_app_refuses_leaves_all_as_it_was(self, watched: App) -> None:
        watched.write("customer", customers("C1", name="old"), key=KEY)
        with watched.writing(OURS) as writing:

            def work() -> bool:
                writing.update("customer", customers("C1", name="new"), key=KEY)
                writing.insert("customer", customers("C2", groupid=G1), key=KEY)
                return True

            assert not writing.attempt(work)
            writing.insert("customer", customers("C3", name="beside"), key=KEY)

        assert names(watched) == {"old", "beside"}

    def test_another_fault_is_raised(self, shop: Workshop, watched: App) -> None:
        def work() -> bool:
            raise ValueError

        if tries(shop):
            with pytest.raises(ValueError), watched.writing(OURS) as writing:  # noqa: PT011
                writing.attempt(work)

    def test_a_row_that_is_locked_elsewhere_leaves_all_as_it_was(
        self, shop: Workshop, watched: App
    ) -> None:
        one_writer(shop)
        watched.write("customer", customers("C1", "C2", name="old"), key=KEY)
        with shop.hand() as hand:
            hand.update("customer", ONE, name="theirs")
            with watched.writing(OURS) as writing:

                def work() -> bool:
                    writing.update("customer", customers("C2", "C1", name="new"), key=KEY)
                    return True

                assert not writing.attempt(work)
                writing.insert("customer", customers("C3", name="beside"), key=KEY)
            hand.commit()

        assert names(watched) == {"theirs", "old", "beside"}
