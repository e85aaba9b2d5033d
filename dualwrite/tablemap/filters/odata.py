"""OData `$filter` text to a tree, or an error that points at the part at fault.

The grammar is odata-query's.  Three things are put right around it: a column whose name
begins with a keyword (`allowed`, `nullable`) is one name, `in ('a')` needs no comma after
its only item, and every refusal has its position.  Of OData there is what both kinds of
app can do exactly: comparisons of a column with a literal, `in`, `contains`,
`startswith`, `endswith`, `tolower`, `toupper`, `and`, `or`, `not`.

A lexer and a parser hold the state of one text, so each call has its own; the tables
they work by are made once, with their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from odata_query import ast
from odata_query.exceptions import (
    ArgumentCountException,
    ODataException,
    ParsingException,
    TokenizingException,
)
from odata_query.grammar import ODataLexer, ODataParser

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
from dualwrite.tablemap.notation import ColumnPath

LONGEST = 8000
"""Characters of a filter; also bounds how deep it nests."""
_DEEPEST = 100

_FUNCTIONS = {"contains": 2, "startswith": 2, "endswith": 2, "tolower": 1, "toupper": 1}
_REFUSED = {
    "ADD": "arithmetic", "SUB": "arithmetic", "MUL": "arithmetic", "DIV": "arithmetic",
    "MOD": "arithmetic", "UMINUS": "arithmetic", "DURATION": "a duration", "TIME": "a time of day",
    "GEOGRAPHY": "a place", "ANY": "any", "ALL": "all", ":": "any or all", "=": "=",
}  # fmt: skip
_OPERATORS = {
    ast.Eq: Operator.EQ,
    ast.NotEq: Operator.NE,
    ast.Gt: Operator.GT,
    ast.GtE: Operator.GE,
    ast.Lt: Operator.LT,
    ast.LtE: Operator.LE,
}


class FilterError(ValueError):
    """A filter that cannot be read: `reason`, and the `column` (from 1) where it goes wrong."""

    def __init__(self, text: str, reason: str, index: int) -> None:
        self.text, self.reason, self.column = text, reason, index + 1
        part = text[index : index + 30].strip()
        near = f", at {part!r}" if part else ", at its end"
        super().__init__(f"{reason} (column {self.column}{near})")


def _whole_word(rule: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The keyword's rule, but not where the name of a column goes on behind it."""

    def of_word(lexer: Any, token: Any) -> Any:
        return rule(lexer, token)

    pattern = rule.pattern  # type: ignore[attr-defined]
    of_word.pattern = rf"(?:{pattern})(?![\w.])"  # type: ignore[attr-defined]
    return of_word


class _Lexer(ODataLexer):
    tokens = ODataLexer.tokens
    BOOLEAN = _whole_word(ODataLexer.BOOLEAN)
    NULL = _whole_word(ODataLexer.NULL)
    ANY = _whole_word(ODataLexer.ANY)
    ALL = _whole_word(ODataLexer.ALL)


@lru_cache(maxsize=1024)
def parse_filter(text: str) -> Filter:
    """Read a `$filter`.

    Raises:
        FilterError: The text is no filter, or says what is not understood here.
    """
    if not text.strip():
        raise FilterError(text, "the filter is empty", 0)
    if len(text) > LONGEST:
        raise FilterError(text, f"the filter is longer than {LONGEST} characters", LONGEST)
    return Filter(text, _Reading(text).read())


class _Reading:
    """One text on its way to a tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[int, int] = {}

    def read(self) -> Node:
        tokens = self._tokens()
        for token in tokens:
            self.places[id(token.value)] = token.index
        try:
            tree = ODataParser().parse(iter(tokens))
        except ParsingException as error:
            index = len(self.text) if error.token is None else error.token.index
            raise FilterError(
                self.text,
                "the filter breaks off" if error.token is None else "not expected here",
                index,
            ) from None
        except ArgumentCountException as error:
            wanted = {1: "one argument", 2: "two arguments"}[error.exp_min_args]
            reason = f"{error.function_name} takes {wanted}, not {error.n_args_given}"
            index = self.text.find(error.function_name)
            raise FilterError(self.text, reason, index) from None
        except ODataException as error:
            raise FilterError(self.text, str(error), 0) from None
        return self._node(tree, depth=0)

    def _tokens(self) -> list[Any]:
        lexed = list(self._lexed())
        while lexed and lexed[0].type == "WS":
            del lexed[0]
        while lexed and lexed[-1].type == "WS":
            del lexed[-1]
        return _with_commas(list(self._with_whole_paths(lexed)))

    def _lexed(self) -> Iterator[Any]:
        lexer = _Lexer()
        try:
            tokens = list(lexer.tokenize(self.text))
        except TokenizingException as error:
            quote = self.text.startswith("'", error.token.index)
            reason = "the text has no closing quote" if quote else "not understood"
            raise FilterError(self.text, reason, error.token.index) from None
        for token in tokens:
            if token.type in _REFUSED:
                index = token.index + _leading_space(self.text, token.index)
                reason = f"{_REFUSED[token.type]} has no place in a filter"
                if token.type == "=":
                    reason = "`=` is written `eq` in a filter"
                raise FilterError(self.text, reason, index)
            yield token

    def _with_whole_paths(self, tokens: list[Any]) -> Iterator[Any]:
        """`lookup / column` as the one name `lookup.column`; functions checked by their name."""
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if token.type == "ODATA_IDENTIFIER":
                name = token.value.full_name()
                while _types(tokens, position + 1) == ["/", "ODATA_IDENTIFIER"]:
                    position += 2
                    name += "." + tokens[position].value.full_name()
                if _types(tokens, position + 1, 1) == ["("]:
                    self._check_function(name, token)
                else:
                    # An object of its own each time, by which its place is found again.
                    token.value = ast.Identifier(name)
            yield token
            position += 1

    def _check_function(self, name: str, token: Any) -> None:
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS)
            reason = f"there is no function {name!r} here; known: {known}"
            raise FilterError(self.text, reason, token.index)

    def _fail(self, tree: Any, reason: str) -> FilterError:
        return FilterError(self.text, reason, self._place(tree))

    def _place(self, tree: Any) -> int:
        """Where a tree begins in the text."""
        if id(tree) in self.places:
            return self.places[id(tree)]
        match tree:
            case ast.Compare() | ast.BoolOp():
                return self._place(tree.left)
            case ast.UnaryOp():
                return self._place(tree.op)
            case ast.Call():
                return self._place(tree.func)
            case ast.List():
                return self._place(tree.val[0])
            case _:
                return 0

    def _node(self, tree: Any, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._fail(tree, f"nested deeper than {_DEEPEST} levels")
        found: Node
        match tree:
            case ast.BoolOp():
                items = tuple(self._node(item, depth + 1) for item in _chain(tree))
                found = And(items) if isinstance(tree.op, ast.And) else Or(items)
            case ast.UnaryOp(op=ast.Not()):
                found = Not(self._node(tree.operand, depth + 1))
            case ast.Compare(comparator=ast.In()):
                found = self._in(tree)
            case ast.Compare():
                found = self._compare(tree)
            case ast.Call() if tree.func.name in ("contains", "startswith", "endswith"):
                found = self._match(tree)
            case ast.Identifier():
                raise self._fail(
                    tree, f"{tree.name} is compared with nothing: write {tree.name} eq true"
                )
            case _:
                raise self._fail(tree, "a comparison is due")
        return found

    def _compare(self, tree: Any) -> Node:
        operator = _OPERATORS[type(tree.comparator)]
        left, right = tree.left, tree.right
        if isinstance(left, ast.UnaryOp):
            raise self._fail(left, "`not` needs its comparison in parentheses: not (a eq b)")
        if _is_literal(left) and not _is_literal(right):
            left, right, operator = right, left, FLIPPED[operator]
        if not _is_literal(right):
            raise self._fail(right, "a column is compared with a value, not with another column")
        operand = self._operand(left)
        if isinstance(right, ast.Null):
            if operator not in (Operator.EQ, Operator.NE):
                raise self._fail(
                    right, f"null is compared with eq or ne, not with {operator.value}"
                )
            return IsNull(operand, negated=operator is Operator.NE)
        return Compare(operand, operator, self._literal(right))

    def _in(self, tree: Any) -> In:
        for item in tree.right.val:
            if isinstance(item, ast.Null):
                raise self._fail(item, "null cannot be in a list: write x eq null or x in (...)")
            if not _is_literal(item):
                raise self._fail(item, "a list holds values only")
        return In(self._operand(tree.left), tuple(map(self._literal, tree.right.val)))

    def _match(self, tree: Any) -> Match:
        column, text = tree.args
        if not isinstance(text, ast.String):
            raise self._fail(text, f"{tree.func.name} looks for a text in quotes")
        return Match(self._operand(column), Part(tree.func.name), text.val)

    def _operand(self, tree: Any) -> Operand:
        match tree:
            case ast.Identifier():
                return Operand(ColumnPath(tuple(tree.name.split("."))))
            case ast.Call() if tree.func.name in ("tolower", "toupper"):
                inner = tree.args[0]
                if isinstance(inner, ast.Identifier):
                    fold = Fold(tree.func.name)
                    return Operand(ColumnPath(tuple(inner.name.split("."))), fold)
                raise self._fail(inner, f"{tree.func.name} takes a column")
            case _:
                raise self._fail(tree, "a column is due")

    def _literal(self, tree: Any) -> Literal:
        try:
            return _LITERALS[type(tree)](tree.val)
        except (ValueError, ArithmeticError):
            raise self._fail(tree, f"{tree.val} is no day or moment there is") from None


def _chain(tree: Any) -> list[Any]:
    """The items of `a or b or c`, which the grammar nests to the left."""
    items = []
    operator = tree.op
    while isinstance(tree, ast.BoolOp) and tree.op == operator:
        items.append(tree.right)
        tree = tree.left
    return [tree, *reversed(items)]


def _moment(text: str) -> datetime:
    """With an offset, the moment in UTC; without one, as it stands."""
    whole, dot, fraction = text.upper().replace("Z", "+00:00").partition(".")
    if dot:
        digits = fraction.split("+")[0].split("-")[0]
        whole += "." + digits[:6].ljust(6, "0") + fraction[len(digits) :]
    found = datetime.fromisoformat(whole)
    return found.astimezone(UTC) if found.tzinfo else found


_LITERALS: dict[type, Callable[[str], Literal]] = {
    ast.String: str,
    ast.GUID: str.lower,
    ast.Integer: int,
    ast.Float: Decimal,
    ast.Boolean: lambda text: text.lower() == "true",
    ast.Date: date.fromisoformat,
    ast.DateTime: _moment,
}


def _is_literal(tree: Any) -> bool:
    return isinstance(tree, (*_LITERALS, ast.Null))


def _types(tokens: list[Any], start: int, count: int = 2) -> list[str]:
    return [token.type for token in tokens[start : start + count]]


def _leading_space(text: str, index: int) -> int:
    return len(text[index:]) - len(text[index:].lstrip())


def _with_commas(tokens: list[Any]) -> list[Any]:
    """`in ('a')` as the grammar wants it: `in ('a',)`."""
    found: list[Any] = []
    one_item = False
    for position, token in enumerate(tokens):
        if token.type == "IN" and _types(tokens, position + 1, 1) == ["("]:
            inside = tokens[position + 2 :]
            ends = next((i for i, t in enumerate(inside) if t.type == ")"), None)
            one_item = ends is not None and all(t.type != "," for t in inside[:ends])
        if token.type == ")" and one_item:
            comma = copy(token)
            comma.type = comma.value = ","
            found.append(comma)
            one_item = False
        found.append(token)
    return found
