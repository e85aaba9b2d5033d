"""One direction of a map, compiled once and used for every batch of rows.

A route leads from a source side to a target side.  It knows what to read, how to translate
it, which lookups to resolve and which rules to apply.  A map that flows both ways has two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from dualwrite.gate_column import Role, gate_name
from dualwrite.link import Side
from dualwrite.rules import PeriodsSound, Readable, Rule, derive
from dualwrite.sync.routes.expectations import expected_of
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.flow import Flow
from dualwrite.translate.lookups import Lookup, lookup_facts, lookups_of
from dualwrite.translate.rows import fit, translate

TRANSLATION_RULES = frozenset(
    {
        "convertible",
        "currency_precision",
        "finite",
        "key_exact",
        "key_present",
        "key_unique",
        "local_time",
        "money_exact",
        "quantity_converts",
        "value_map_total",
    }
)
"""Rules about the translation itself; the others check what the target can hold."""


@dataclass(frozen=True)
class Route:
    """One direction of a map, compiled against both schemas.

    `two_way` are the target paths of columns that flow both ways.  `lookups` are in
    groups: one for each lookup column, more than one candidate if it is polymorphic.
    """

    table_map: TableMap
    source: Side
    flow: Flow
    lookups: tuple[tuple[Lookup, ...], ...]
    rules: tuple[Rule, ...]
    two_way: frozenset[str]
    expected: tuple[Rule, ...] = ()
    """Those of the rules that come from expectations, and are not derived."""

    @property
    def target(self) -> Side:
        """The side that is written."""
        return self.source.other

    @property
    def target_table(self) -> str:
        """The table that is written."""
        return self.table_map.end(self.target).table

    @property
    def source_rules(self) -> tuple[Rule, ...]:
        """Rules that compare the translated rows with the rows as read."""
        return tuple(rule for rule in self.rules if self._is_of_translation(rule))

    @property
    def target_rules(self) -> tuple[Rule, ...]:
        """Rules that check what is about to be written against the target."""
        return tuple(
            rule
            for rule in self.rules
            if not self._is_of_translation(rule) and rule is not self.period_rule
        )

    def _is_of_translation(self, rule: Rule) -> bool:
        is_period_rule = isinstance(rule, PeriodsSound)
        return rule.name in TRANSLATION_RULES or (is_period_rule and not self._is_dated)

    @cached_property
    def period_rule(self) -> PeriodsSound | None:
        """The rule over dated rows that are written as such.

        It needs what the target holds of their entities, and is applied last
        (`dualwrite.sync.batch.dated`); to a whole table it can be applied like any other rule.
        """
        found = (rule for rule in self.rules if isinstance(rule, PeriodsSound))
        return next(found, None) if self._is_dated else None

    @cached_property
    def _is_dated(self) -> bool:
        """Whether what is written has dates of its own."""
        dated = dated_of(self.table_map)
        return dated is not None and not dated.is_projection

    @cached_property
    def key_flow(self) -> Flow:
        key = tuple(c for c in self.flow.columns if str(c.target) in self.flow.key)
        return replace(self.flow, columns=key, watched=(), periods=None)

    @cached_property
    def key_rules(self) -> tuple[Rule, ...]:
        """Rules that a row must pass before its counterpart can be looked for."""
        rules = derive(self.key_flow.facts())
        return tuple(rule for rule in rules if not isinstance(rule, Readable))

    def keys_there(self, rows: pa.Table) -> pa.Table:
        """The keys of source rows as the target spells them."""
        out = translate(rows, self.key_flow)
        return fit(out.select(list(self.flow.key)), self.key_flow)

    @property
    def written_key(self) -> tuple[str, ...]:
        """The target table's own columns that make up the integration key."""
        return tuple(dict.fromkeys(path.column for path in self.table_map.end(self.target).key))


def compile_route(
    session: Session,
    table_map: TableMap,
    source: Side,
    *,
    keep: Callable[[ColumnPath], bool] = lambda _: True,
) -> Route:
    """Compile one direction; `keep` chooses the target paths to carry beside the key."""
    full = compile_flow(table_map, source, session.schema, session.units, session.books)
    key = set(full.key)
    columns = tuple(c for c in full.columns if str(c.target) in key or keep(c.target))
    flow = replace(full, columns=columns)
    two_way = frozenset(
        str(column.end(source.other))
        for column in table_map.columns
        if len(column.sign.sources) == len(Side) and column.end(source.other) is not None
    )
    lookups = lookups_of(flow, table_map, session.schema)
    expected = expected_of(table_map, flow, session.link.project)
    rules = (Readable(), *derive(flow.facts(), lookup_facts(lookups)), *expected)
    return Route(table_map, source, flow, lookups, rules, two_way, expected)


def judged_with(route: Route, changed: Collection[ColumnPath]) -> set[ColumnPath]:
    """The target columns that expectations check together with one that changed."""
    found: set[ColumnPath] = set()
    for rule in route.expected:
        looked_at = {
            column.target
            for column in route.flow.columns
            if str(column.target) in rule.columns
            or gate_name(Role.SOURCE, column.source) in rule.columns
        }
        if not looked_at.isdisjoint(changed):
            found |= looked_at
    return found
