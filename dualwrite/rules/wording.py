"""How a value is written in a reason: whole where it is short, with every digit it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

_LONGEST = 60


def shown(value: Any) -> str:
    """One value as a person writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Decimal():
            text = f"{abs(value) if value.is_zero() else value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case date():
            return value.isoformat()
        case str():
            return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…")
        case _:
            return str(value)


def listed(words: Sequence[str], most: int = 8) -> str:
    """Some words in a row, the rest counted."""
    some = ", ".join(words[:most])
    return some if len(words) <= most else f"{some} and {len(words) - most:,} more"
