"""OData `$filter` text to a tree, or an error that points at the part at fault.

Of OData there is what both kinds of app can do exactly: comparisons of a column with a
literal, `in`, `contains`, `startswith`, `endswith`, `tolower`, `toupper`, `and`, `or`, `not`.
The parser is made once, with the first filter; each rule of the grammar is reduced by the
method of its name, from the innermost outwards, so no nesting is too deep for the stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NoReturn, cast

from dualwrite.tablemap.filters.grammar import GRAMMAR
from dualwrite.tablemap.filters.model import (
    FLIPPED,
    And,
    Compare,
    Filter,
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
from dualwrite.tablemap.findings import near_names
from dualwrite.tablemap.names import unquoted
from dualwrite.tablemap.notation import ColumnPath

LONGEST = 8000
"""Characters of a filter."""
_DEEPEST = 100

_FOLDS = {fold.value for fold in Fold}
_FUNCTIONS = {part.value: 2 for part in Part} | {fold.value: 1 for fold in Fold}
_NUMBERS = {1: "one argument", 2: "two arguments"}
_WORDS = ("and", "or", "not", "in", *(operator.value for operator in Operator))
_WORD = re.compile(r"\s*(\w+)")
_START = re.compile(r"\s*(?:[\w(),/]|'(?:[^']|'')*'|[+-]\d)")
"""How a part of a filter may begin."""


class FilterError(ValueError):
    """A filter that cannot be read: `reason`, and the `column` (from 1) where it goes wrong."""

    def __init__(self, text: str, reason: str, index: int) -> None:
        self.text, self.reason, self.column = text, reason, index + 1
        part = text[index : index + 30].strip()
        near = f", at {part!r}" if part else ", at its end"
        super().__init__(f"{reason} (column {self.column}{near})")


@lru_cache(maxsize=1024)
def parse_filter(text: str) -> Filter:
    """Read a `$filter`.

    Raises:
        FilterError: The text is no filter, or holds what is not supported here.
    """
    if not text.strip():
        raise FilterError(text, "the filter is empty", 0)
    if len(text) > LONGEST:
        raise FilterError(text, f"the filter is longer than {LONGEST} characters", LONGEST)
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    # Blanks around the filter belong to no part of it; the parser counts from the first part.
    skipped = len(text) - len(text.lstrip())
    try:
        root = _parser().parse(text.strip())
    except _RefusedError as refused:
        raise FilterError(text, refused.reason, skipped + refused.index) from None
    except UnexpectedToken as error:
        raise _unexpected(text, error.token, skipped) from None
    except UnexpectedCharacters as error:
        raise _not_understood(text, skipped + cast("int", error.pos_in_stream)) from None
    return Filter(text, cast("Node", root))


class _RefusedError(Exception):
    """A part that the grammar allows and a filter does not."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(reason)


def _unexpected(text: str, token: Any, skipped: int) -> FilterError:
    if token.type == "$END":
        return FilterError(text, "the filter breaks off", len(text.rstrip()))
    index = skipped + token.start_pos
    return _not_expected(text, index)


def _not_understood(text: str, index: int) -> FilterError:
    if _START.match(text, index):
        return _not_expected(text, index)
    index += len(text[index:]) - len(text[index:].lstrip())
    quote = text.startswith("'", index)
    return FilterError(text, "the text has no closing quote" if quote else "not understood", index)


def _not_expected(text: str, index: int) -> FilterError:
    found = _WORD.match(text, index)
    word = found[1].lower() if found else ""
    if word in _WORDS:
        if text[index:].strip().lower() == word:
            return FilterError(text, "the filter breaks off", len(text.rstrip()))
        word = ""
    near = near_names(word, _WORDS, count=1) if len(word) > 1 else ()
    hint = f": did you mean {near[0]}?" if near else ""
    return FilterError(text, f"not expected here{hint}", index)


def _unsupported(token: str) -> tuple[str, int]:
    """Why what an `UNSUPPORTED` token begins is refused, and how many blanks precede it."""
    word = token.strip().lower()
    blanks = len(token) - len(token.lstrip())
    if word == "=":
        return "`=` is written `eq` in a filter", blanks
    if word.startswith("duration"):
        named = "a duration"
    elif word.startswith("geography"):
        named = "a place"
    elif word[0].isdigit():
        named = "a time of day"
    else:
        named = {"any": "any", "all": "all", ":": "any or all"}.get(word, "arithmetic")
    return f"{named} has no place in a filter", blanks


@dataclass(frozen=True, slots=True)
class _Part:
    """A reduced part of the text, and where it starts."""

    index: int


@dataclass(frozen=True, slots=True)
class _Condition(_Part):
    node: Node
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Negated(_Part):
    """`not`, once or more, before what is no condition."""

    part: _Part


@dataclass(frozen=True, slots=True)
class _Value(_Part):
    """A literal; `text` where it is one in quotes."""

    value: Literal
    text: bool = False


@dataclass(frozen=True, slots=True)
class _Null(_Part):
    pass


@dataclass(frozen=True, slots=True)
class _ColumnPart(_Part):
    """A column, or a function of one."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class _Path(_Part):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Several(_Part):
    items: tuple[_Part, ...]


class _Reductions:
    """What becomes of each rule and terminal of the grammar; every result is a `_Part`."""

    def whole(self, children: list[Any]) -> Node:
        return _condition(children[0]).node

    def disjunction(self, children: list[Any]) -> _Part:
        return _chain(Or, children)

    def conjunction(self, children: list[Any]) -> _Part:
        return _chain(And, children)

    def negation(self, children: list[Any]) -> _Part:
        token, inner = children
        if not isinstance(inner, _Condition):
            innermost = inner.part if isinstance(inner, _Negated) else inner
            return _Negated(token.start_pos, innermost)
        return _within_depth(_Condition(token.start_pos, Not(inner.node), inner.depth + 1))

    def comparison(self, children: list[Any]) -> _Part:
        left, token, right = children
        operator = Operator(token.strip().lower())
        if isinstance(left, _Negated) or (
            isinstance(left, _Condition) and isinstance(left.node, Not)
        ):
            raise _RefusedError(
                left.index, "`not` needs its comparison in parentheses: not (a eq b)"
            )
        if isinstance(left, _Value | _Null) and not isinstance(right, _Value | _Null):
            left, right, operator = right, left, FLIPPED[operator]
        if not isinstance(right, _Value | _Null):
            raise _RefusedError(
                right.index, "a column is compared with a value, not with another column"
            )
        operand = _operand(left)
        if isinstance(right, _Value):
            return _Condition(left.index, Compare(operand, operator, right.value))
        if operator not in (Operator.EQ, Operator.NE):
            raise _RefusedError(
                right.index, f"null is compared with eq or ne, not with {operator.value}"
            )
        return _Condition(left.index, IsNull(operand, negated=operator is Operator.NE))

    def membership(self, children: list[Any]) -> _Part:
        column, values = children
        literals = []
        for item in values.items:
            if isinstance(item, _Null):
                raise _RefusedError(
                    item.index, "null cannot be in a list: write x eq null or x in (...)"
                )
            if not isinstance(item, _Value):
                raise _RefusedError(item.index, "a list holds values only")
            literals.append(item.value)
        return _Condition(column.index, In(_operand(column), tuple(literals)))

    def call(self, children: list[Any]) -> _Part:
        path, *arguments = children
        name, index = ".".join(path.names), path.index
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS)
            raise _RefusedError(path.index, f"there is no function {name!r} here; known: {known}")
        if len(arguments) != _FUNCTIONS[name]:
            wanted = _NUMBERS[_FUNCTIONS[name]]
            raise _RefusedError(path.index, f"{name} takes {wanted}, not {len(arguments)}")
        if name in _FOLDS:
            inner = arguments[0]
            if not isinstance(inner, _ColumnPart) or inner.operand.fold is not None:
                raise _RefusedError(inner.index, f"{name} takes a column")
            return _ColumnPart(index, Operand(inner.operand.path, Fold(name)))
        column, text = arguments
        if not isinstance(text, _Value) or not text.text:
            raise _RefusedError(text.index, f"{name} looks for a text in quotes")
        return _Condition(index, Match(_operand(column), Part(name), str(text.value)))

    def column(self, children: list[Any]) -> _Part:
        path = children[0]
        names = (_steps(step) for step in path.names)
        return _ColumnPart(path.index, Operand(ColumnPath(tuple(chain.from_iterable(names)))))

    def path(self, children: list[Any]) -> _Path:
        if len(children) == 1:
            return _Path(children[0].start_pos, (str(children[0]),))
        path, name = children
        return _Path(path.index, (*path.names, str(name)))

    def values(self, children: list[Any]) -> _Several:
        return _Several(children[0].index, tuple(children))

    def sequence(self, children: list[Any]) -> _Part:
        return _Several(children[0].index, tuple(children))

    def literal(self, children: list[Any]) -> _Part:
        [token] = children
        if token.type == "NULL":
            return _Null(token.start_pos)
        try:
            value = _LITERALS[token.type](str(token))
        except (ValueError, ArithmeticError):
            reason = f"{token} is no day or moment that exists"
            if token.type in ("INTEGER", "DECIMAL"):
                reason = "the number has too many digits"
            raise _RefusedError(token.start_pos, reason) from None
        return _Value(token.start_pos, value, text=token.type == "TEXT")


def _steps(name: str) -> list[str]:
    """The columns of a part of a path: a name in quotes is one, whatever it holds."""
    return [unquoted(name)] if name.startswith('"') else name.split(".")


def _chain(kind: type[And | Or], children: list[Any]) -> _Condition:
    """`a or b or c`, which the grammar nests to the left, as one node."""
    left, right = (_condition(child) for child in children)
    if isinstance(left.node, kind):
        depth = max(left.depth, right.depth + 1)
        return _within_depth(_Condition(left.index, kind((*left.node.items, right.node)), depth))
    depth = max(left.depth, right.depth) + 1
    return _within_depth(_Condition(left.index, kind((left.node, right.node)), depth))


def _within_depth(condition: _Condition) -> _Condition:
    if condition.depth > _DEEPEST:
        raise _RefusedError(condition.index, f"nested deeper than {_DEEPEST} levels")
    return condition


def _condition(part: _Part) -> _Condition:
    """The part as what a row can meet.

    Raises:
        _RefusedError: It is a value, or a column.
    """
    if isinstance(part, _Condition):
        return part
    if isinstance(part, _Negated):
        part = part.part
    if isinstance(part, _ColumnPart) and part.operand.fold is None:
        name = part.operand.path
        raise _RefusedError(part.index, f"{name} is compared with nothing: write {name} eq true")
    raise _RefusedError(part.index, "a comparison is expected")


def _operand(part: _Part) -> Operand:
    """The part as the column that is compared.

    Raises:
        _RefusedError: It is none.
    """
    if isinstance(part, _ColumnPart):
        return part.operand
    raise _RefusedError(part.index, "a column is expected")


def _moment(text: str) -> datetime:
    """With an offset, the moment in UTC; without one, unchanged."""
    whole, dot, fraction = text.upper().replace("Z", "+00:00").partition(".")
    if dot:
        digits = fraction.split("+")[0].split("-")[0]
        whole += "." + digits[:6].ljust(6, "0") + fraction[len(digits) :]
    found = datetime.fromisoformat(whole)
    return found.astimezone(UTC) if found.tzinfo else found


_LITERALS: dict[str, Callable[[str], Literal]] = {
    "TEXT": lambda text: text[1:-1].replace("''", "'"),
    "GUID": str.lower,
    "INTEGER": int,
    "DECIMAL": Decimal,
    "BOOLEAN": lambda text: text.lower() == "true",
    "DAY": date.fromisoformat,
    "MOMENT": _moment,
}


@cache
def _parser() -> Any:
    """The parser, made once; it holds no state between two texts."""
    from lark import Lark

    def refuse(token: Any) -> NoReturn:
        reason, blanks = _unsupported(token)
        raise _RefusedError(token.start_pos + blanks, reason)

    parser = Lark(
        GRAMMAR,
        start="whole",
        parser="lalr",
        lexer="basic",
        transformer=_Reductions(),
        lexer_callbacks={"UNSUPPORTED": refuse},
    )
    # The lexer completes itself with its first text, which two threads must not do at once.
    parser.parse("a eq 1")
    return parser
