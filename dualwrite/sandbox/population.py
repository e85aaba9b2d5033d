"""How many rows a sandbox has, which side holds which, and how rows are numbered.

Rows of a kind are numbered from 0.  The first `finops` of them are the ERP's; the next
`dataverse_only` are on the other side alone.  Of the ERP's rows the other side holds three
in ten already, most of them equal, some changed since.

Companies come in stretches of forty numbers, so that whatever belongs together by number
(a customer and the account that pays its invoices) belongs to one company.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dualwrite.sandbox.drawing import Mask, Numbers

SMALLEST = 50
"""With fewer customers than this, some cases of a sandbox would be missing."""
BATCH = 20_000
"""Rows made at a time: a multiple of forty."""

STRETCH = 40
"""How many consecutive numbers belong to one company."""

_COMPANY_OF_STRETCH = np.array([0, 1, 2, 0, 0, 1, 0, 0, 1, 0])


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The rows of one kind."""

    name: str
    finops: int
    dataverse_only: int

    def batches(self) -> Iterator[Numbers]:
        """All its numbers, a batch at a time."""
        total = self.finops + self.dataverse_only
        for start in range(0, total, BATCH):
            yield np.arange(start, min(start + BATCH, total))

    def on_finops(self, numbers: Numbers) -> Mask:
        """Which of the rows the ERP holds."""
        return numbers < self.finops

    def on_dataverse(self, numbers: Numbers) -> Mask:
        """Which of the rows the other side holds."""
        return (numbers >= self.finops) | is_shared(numbers)

    def differs(self, numbers: Numbers) -> Mask:
        """Which of the rows on both sides are no longer the same."""
        changed: Mask = (numbers < self.finops) & np.isin(numbers % 40, (2, 11, 12))
        return changed


@dataclass(frozen=True, slots=True)
class Population:
    """All kinds, by the number of customers."""

    customers: RowGroup
    vendors: RowGroup
    contacts: RowGroup
    products: RowGroup
    quotations: RowGroup
    orders: RowGroup
    invoices: RowGroup

    @classmethod
    def of(cls, customers: int) -> Population:
        """The sandbox of a business with so many customers."""
        contacts, vendors = max(120, customers // 10), max(120, customers // 20)
        # no further than there are customers in the same stretch to order something
        most = (customers - 1) // STRETCH * STRETCH
        orders, others = max(min(120, most), customers // 4), max(min(60, most), customers // 8)
        return cls(
            RowGroup("customers", customers, customers // 10),
            RowGroup("vendors", vendors, vendors // 20),
            RowGroup("contacts", contacts, contacts // 20),
            RowGroup("products", max(60, customers // 10), 0),
            RowGroup("quotations", others, others // 20),
            RowGroup("orders", orders, orders // 20),
            RowGroup("invoices", others, 0),
        )


def is_shared(numbers: Numbers) -> Mask:
    """Which of the ERP's rows the other side holds too."""
    shared: Mask = np.isin(numbers % 10, (0, 1, 2))
    return shared


def company_numbers(numbers: Numbers) -> Numbers:
    """Which company each row belongs to, as a place in `reference.COMPANIES`."""
    places: Numbers = _COMPANY_OF_STRETCH[(numbers // STRETCH) % 10]
    return places


def shared_by_company(kind: RowGroup, company: int) -> Numbers:
    """Some rows of a company that both sides hold: others may point at them without a fault."""
    some = np.arange(0, min(kind.finops, 4000), 10)
    mine: Numbers = some[company_numbers(some) == company]
    return mine
