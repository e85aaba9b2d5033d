"""Finding what the target holds under the keys of translated rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.rules import judge
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.translate.keys import doubled, row_of
from dualwrite.translate.rows import fit

Mask = Any
"""A boolean Arrow array of the rows' length without nulls."""


def counterparts(
    session: Session, route: Route, query: Query, out: pa.Table
) -> tuple[pa.Table, Mask, Mask]:
    """Fetch the counterparts of n rows, whatever is wrong with a row besides its key.

    Shapes: `out` is the gate table of n rows.  The first result has n rows, named as
    `query` reads them and null throughout where there is no counterpart; the second tells
    which rows have one, the third which have several.
    """
    sound = judge(out, route.key_rules).passed
    names = list(route.flow.key)
    keys = fit(out.filter(sound).select(names), route.key_flow)
    theirs = session.apps[route.target].fetch(query, keys.drop_null())
    keys_here, keys_there = route.flow.key_text(out), route.flow.key_text(theirs)
    at = row_of(keys_here, keys_there)
    at = pc.if_else(sound, at, pa.scalar(None, at.type))
    return theirs.take(at), at.is_valid(), doubled(keys_here, keys_there)
