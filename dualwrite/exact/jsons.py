"""One spelling of each JSON value, so that texts that mean the same are the same.

Keys are sorted and no blanks stand between the parts; numbers keep their digits, those with an
exponent are written out, as PostgreSQL's `jsonb` does.  No number becomes a float.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

_LONGEST_EXPONENT = 1000
"""Numbers with more zeros than that stay as they are spelled."""


class _Number(str):
    """A number by its digits."""

    __slots__ = ()


def json_text(values: pa.Array) -> pa.Array:
    """The texts of JSON values in their one spelling; a text that is no JSON stays as it is."""
    spelled = [None if text is None else _respelled(text) for text in values.to_pylist()]
    return pa.array(spelled, pa.string())


def _respelled(text: str) -> str:
    try:
        spelled = _spelled(_READER.decode(text))
        spelled.encode()  # half of a letter has no place in a text
    except (ValueError, RecursionError):
        return text
    return spelled


def _spelled(value: Any) -> str:
    match value:
        case _Number():
            return str(value)
        case dict():
            pairs = (f"{_spelled(name)}:{_spelled(value[name])}" for name in sorted(value))
            return f"{{{','.join(pairs)}}}"
        case list():
            return f"[{','.join(map(_spelled, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> _Number:
    number = Decimal(text)
    if number.is_zero():
        number = abs(number)
    plain = abs(number.adjusted()) <= _LONGEST_EXPONENT
    return _Number(f"{number:f}" if plain else text)


def _refused(word: str) -> Any:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


_READER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_refused)
