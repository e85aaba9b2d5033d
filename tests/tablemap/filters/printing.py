"""A filter's tree as `$filter` text, and trees to print."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from dualwrite.tablemap.filters.model import (
    And,
    Compare,
    Fold,
    In,
    IsNull,
    Literal,
    Match,
    Node,
    Not,
    Operand,
    Operator,
    Or,
    Part,
)
from dualwrite.tablemap.notation import ColumnPath


def printed(node: Node) -> str:
    match node:
        case And(items) | Or(items):
            return f" {type(node).__name__.lower()} ".join(map(_grouped, items))
        case Not(item):
            return f"not ({printed(item)})"
        case IsNull(operand, negated):
            return f"{_operand(operand)} {'ne' if negated else 'eq'} null"
        case Compare(operand, operator, value):
            return f"{_operand(operand)} {operator.value} {_literal(value)}"
        case In(operand, values):
            return f"{_operand(operand)} in ({', '.join(map(_literal, values))})"
        case Match(operand, part, text):
            return f"{part.value}({_operand(operand)}, {_literal(text)})"


def _grouped(node: Node) -> str:
    return f"({printed(node)})" if isinstance(node, And | Or) else printed(node)


def _operand(operand: Operand) -> str:
    path = "/".join(operand.path.steps)
    return path if operand.fold is None else f"{operand.fold.value}({path})"


def _literal(value: Literal) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}" if value.as_tuple().exponent < 0 else f"{value:f}.0"
        case _:
            return str(value)


WORDS = {"any", "all", "not", "null", "true", "false"}
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).map(
    lambda name: f"{name}_" if name.lower() in WORDS else name
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda steps: ColumnPath(tuple(steps)))
OPERANDS = st.builds(Operand, PATHS, st.none() | st.sampled_from(Fold))
MOMENTS = st.datetimes(datetime(1000, 1, 1), timezones=st.none() | st.just(UTC))  # noqa: DTZ001
LITERALS = st.one_of(
    st.text(),
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(Decimal.normalize),
    st.booleans(),
    st.dates(date(1000, 1, 1)),
    MOMENTS,
)
LEAVES = st.one_of(
    st.builds(IsNull, OPERANDS, st.booleans()),
    st.builds(Compare, OPERANDS, st.sampled_from(Operator), LITERALS),
    st.builds(In, OPERANDS, st.lists(LITERALS, min_size=1, max_size=4).map(tuple)),
    st.builds(Match, OPERANDS, st.sampled_from(Part), st.text()),
)


def _chain(kind: type[And | Or], items: list[Node]) -> Node:
    """A chain whose first item is a chain of the same kind reads as one chain."""
    first = items[0]
    return kind((*(first.items if isinstance(first, kind) else (first,)), *items[1:]))


def _combined(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(nodes, min_size=2, max_size=4)
    return st.one_of(
        nodes.map(Not),
        several.map(lambda items: _chain(And, items)),
        several.map(lambda items: _chain(Or, items)),
    )


TREES = st.recursive(LEAVES, _combined, max_leaves=12)
