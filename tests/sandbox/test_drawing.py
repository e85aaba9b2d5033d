"""Values drawn from row numbers."""

from __future__ import annotations

import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa

from dualwrite.sandbox.drawing import below, code, exact, identities, pick

NUMBERS = np.arange(1000)


def test_a_stretch_alone_comes_out_as_within_the_whole():
    assert pick(["a", "b", "c"], NUMBERS[400:500], 1) == pick(["a", "b", "c"], NUMBERS, 1)[400:500]
    assert identities("account", NUMBERS[7:9]).equals(identities("account", NUMBERS)[7:9])


def test_another_salt_gives_other_values():
    assert below(1000, NUMBERS, 1).tolist() != below(1000, NUMBERS, 2).tolist()


def test_ids_are_uuids_and_none_is_given_twice():
    texts = identities("account", NUMBERS).to_pylist() + identities("contact", NUMBERS).to_pylist()

    assert len(set(texts)) == 2000
    assert all(str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4 for text in texts)


def test_amounts_keep_every_digit():
    amounts = exact(np.array([1, -1, 900_000_000_001]), 3, pa.decimal128(28, 10))

    assert amounts.to_pylist() == [
        Decimal("0.0010000000"),
        Decimal("-0.0010000000"),
        Decimal("900000000.0010000000"),
    ]


def test_codes_are_padded():
    assert code("C", np.array([7]), 8).to_pylist() == ["C00000007"]
