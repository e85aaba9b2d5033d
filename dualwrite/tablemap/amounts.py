"""The word `money` of a map: the currency of a money column, and what happens to excess digits.

    money: {CREDITLIMIT: {currency: SALESCURRENCYCODE, precision: {round: half_even}, kind: amount}}

The column may be named by either end.  The currency is a code of ISO 4217 or of the project, a
column of the map that holds one, or `company`: that in which the row's company keeps its books.
Where a column is not listed, only the columns' own digits count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from dualwrite.exact import MODES, Mode
from dualwrite.link import Side
from dualwrite.money import Kind, Own, currencies
from dualwrite.tablemap.document import Fields, FindingList, Node, Scalar, plain
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.notation import ColumnPath, name_of

COMPANY = "company"
"""The word for the currency in which the row's company keeps its books."""
_WORDS = ("currency", "precision", "kind")
_KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Money:
    """A money column that leaves one side: its one currency code, or the column that holds it."""

    kind: Kind
    mode: Mode | None
    """How excess digits are rounded; None where the row is rejected for them."""
    code: str = ""
    currency: ColumnPath | None = None
    company: ColumnPath | None = None
    """The column of the company in whose accounting currency it is."""
    books: tuple[tuple[str, str], ...] = ()
    """Companies and their accounting currencies, where `company` decides."""
    own: Own = ()
    """The currencies that the project defines beside ISO 4217."""

    @property
    def has_currency(self) -> bool:
        """Whether its currency is known."""
        return bool(self.code) or self.judged_by is not None

    @property
    def judged_by(self) -> ColumnPath | None:
        """The column that decides a row's currency."""
        return self.currency or self.company


def read_money(node: Node | None, report: FindingList) -> dict[str, Mapping[str, Any]]:
    """The word `money` of a map, its shape checked."""
    entries = report.entries(node, "money")
    found: dict[str, Mapping[str, Any]] = {}
    for column, options in entries.words() if entries else ():
        where = f"money: {column}"
        inner = report.entries(options, where)
        if inner is None:
            continue
        report.unknown_words(inner, _WORDS, where)
        report.text(inner.get("currency"), f"{where}: currency")
        report.one_of(inner.get("kind"), f"{where}: kind", _KINDS)
        _check_precision(inner.get("precision"), f"{where}: precision", report)
        named: dict[str, Any] = plain(inner)
        if isinstance(named.get("currency"), str):
            named["currency"] = name_of(named["currency"])
        found[name_of(column)] = named
    return found


def _check_precision(node: Node | None, where: str, report: FindingList) -> None:
    match node:
        case None | Scalar(value="reject"):
            return
        case Fields():
            report.unknown_words(node, ("round",), where)
            report.one_of(node.get("round"), f"{where}: round", MODES)
            if node.get("round") is None:
                report.add(
                    "DW1103", node.line, f"{where}: `round:` is missing", cure="add `round:`"
                )
        case _:
            report.add(
                "DW1102",
                node.line,
                f"{where}: neither reject nor a way of rounding",
                cure="write it as precision: reject or precision: {round: half_even}",
            )


def money_of(table_map: TableMap, column: ColumnMap, source: Side) -> Money | None:
    """The money options of a column that leaves `source`; None where it is no money."""
    options = next(
        (table_map.money[name] for name in _names(column) if name in table_map.money), None
    )
    if options is None:
        return None
    precision = options.get("precision", "reject")
    mode = None if precision == "reject" else precision["round"]
    code, path = "", None
    named = options.get("currency")
    kind = options.get("kind", "amount")
    if named == COMPANY:
        company = table_map.end(source).company
        return Money(kind, mode, company=company, own=table_map.own_currencies)
    if named is not None:
        path = next((c.end(source) for c in table_map.columns if named in _names(c)), None)
        code = named if path is None and named in currencies(table_map.own_currencies) else ""
    return Money(kind, mode, code, path, own=table_map.own_currencies)


def _names(column: ColumnMap) -> set[str]:
    return {str(path) for side in Side if (path := column.end(side)) is not None}
