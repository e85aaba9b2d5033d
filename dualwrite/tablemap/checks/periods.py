"""Checks of the word `effective`: can dated rows be kept as the map declares?"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.codes import Severity
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.notation import ColumnPath, name_of, path_of
from dualwrite.tablemap.periods import Dated, DatedEnd, dated_of


def check_periods(context: Context) -> None:
    """Everything about the dates of a map's rows."""
    if not context.map.effective or not _named_soundly(context):
        return
    dated = dated_of(context.map)
    assert dated is not None
    for side in Side:
        end = dated.on(side)
        if end is not None:
            _check_types(context, side, end)
    if dated.is_projection:
        _check_projection(context, dated)
        return
    _check_ways(context, dated)
    if dated.mode is not None:
        _check_key(context, dated)
        _check_returns(context, dated)


def _add(context: Context, message: str, cure: str, *, severity: Severity | None = None) -> None:
    context.add("DW1129", f"effective: {message}", word="effective", cure=cure, severity=severity)


def _named_soundly(context: Context) -> bool:
    """Whether every name is a column of finops, carried across or, of the dates, neither."""
    options = context.map.effective or {}
    carried = {str(path): path for path in _carried(context)}
    sound = True
    for name in options["entity"]:
        if name_of(str(name)) not in carried:
            sound = False
            context.add(
                "DW1123",
                f"effective: entity: {name} is no column of finops that is on the map",
                word="effective",
                cure=did_you_mean(str(name), carried),
            )
    dates = {word: name_of(str(options[word])) for word in ("from", "to")}
    across = [word for word, name in dates.items() if name in carried]
    if len(across) == 1:
        word = across[0]
        other = "to" if word == "from" else "from"
        _add(
            context,
            f"{dates[word]} is carried to dataverse, {dates[other]} is not",
            "map both, or neither where dataverse has no dates",
        )
        return False
    if not across:
        known = [_is_there(context, word, str(options[word])) for word in dates]
        sound = sound and all(known)
    return sound


def _is_there(context: Context, word: str, name: str) -> bool:
    """Whether finops has a column that is not on the map."""
    schema = context.schema(Side.FINOPS)
    if schema is None:
        return False
    path = path_of(name)
    found = not path.is_lookup and path.column in schema.columns
    if not found:
        context.add(
            "DW1022",
            f"effective: {word}: {context.name(Side.FINOPS)} has no column {name!r}",
            word="effective",
            cure=did_you_mean(name, schema.columns),
        )
    return found


def _carried(context: Context) -> Iterator[ColumnPath]:
    for column in context.map.columns:
        own = column.end(Side.FINOPS)
        if own is not None and column.end(Side.DATAVERSE) is not None:
            yield own


def _check_types(context: Context, side: Side, end: DatedEnd) -> None:
    kinds = set()
    for word, path in (("from", end.start), ("to", end.end)):
        column = context.column(side, path, _mapped(context, side, path))
        if column is None:
            continue
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            kinds.add(pa.types.is_date(column.type))
            continue
        _add(
            context,
            f"{word}: {context.name(side)} column {path} ({column.native}) is neither a date "
            "nor a date and time",
            "name the columns that hold from when and until when a row is valid",
        )
    if len(kinds) > 1:
        _add(
            context,
            f"{context.name(side)} column {end.start} and {end.end} are not of one type: "
            "one holds days, the other moments",
            "let both be dates, or both dates with their time",
        )


def _check_projection(context: Context, dated: Dated) -> None:
    table_map, name = context.map, context.name(Side.DATAVERSE)
    if table_map.flows_from(Side.DATAVERSE):
        _add(
            context,
            f"{name} has no dates, so the period of what it holds is unknown",
            "make every column one-way (> or >>), or map `from` and `to` too",
        )
    if dated.mode is not None:
        _add(
            context,
            f"`mode: {dated.mode}` decides how dated rows are written, and {name} has no dates",
            "take `mode:` out, or map `from` and `to` too",
        )
    if table_map.replay == "every":
        _add(
            context,
            "`replay: every` asks for each state of a row, and only the one valid now is shown",
            "take one of them out",
        )
    _check_names(context, Side.FINOPS, dated.finops.entity, "the entity, of which one row is shown")


def _check_ways(context: Context, dated: Dated) -> None:
    """Who writes a period writes all of it."""
    for source in (side for side in Side if context.map.flows_from(side)):
        for path in dated.finops.paths:
            column = _mapped(context, Side.FINOPS, path)
            if column is not None and not column.flows_from(source):
                _add(
                    context,
                    f"{path} does not go {source.direction}, but other columns do",
                    "let the entity, `from` and `to` go each way that rows go",
                )


def _check_key(context: Context, dated: Dated) -> None:
    for side in Side:
        end = dated.on(side)
        if end is not None and context.map.flows_from(side.other):
            what = f"entity and `from`, which `mode: {dated.mode}` identifies rows by"
            _check_names(context, side, (*end.entity, end.start), what)


def _check_returns(context: Context, dated: Dated) -> None:
    """What a mode closes and moves on the other side must come back, and unchanged."""
    if dated.mode == "new" and context.map.replay == "every":
        _add(
            context,
            "`replay: every` carries each state by `mode: new`, what comes back among them",
            "take one of them out",
        )
    for source in Side:
        if not context.map.flows_from(source.other):
            _add(
                context,
                f"`mode: {dated.mode}` closes and moves rows of {context.name(source.other)}, and "
                f"{source.value} never hears of it",
                "let the columns go both ways, or take `mode:` out",
                severity="warning",
            )


def _check_names(context: Context, side: Side, paths: tuple[ColumnPath, ...], what: str) -> None:
    key = context.map.end(side).key
    if set(key) != set(paths):
        wanted = ", ".join(path.written for path in paths)
        _add(
            context,
            f"the key of {side.value} is not {what}",
            f"write `key: [{wanted}]` under {side.value}",
        )


def _mapped(context: Context, side: Side, path: ColumnPath) -> ColumnMap | None:
    return next((column for column in context.map.columns if column.end(side) == path), None)
