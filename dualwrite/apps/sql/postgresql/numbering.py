"""Sequences behind columns of numbers, which know nothing of the values that we write.

What an application inserts without a number gets the next one of the sequence: it must come
after every number that we carried, or its insert is refused.
"""

from __future__ import annotations

import sqlalchemy as sa

from dualwrite.apps.sql.postgresql.literals import literal
from dualwrite.tablemap.schema import Numbering

_NUMBERED = """
SELECT a.attname::text, format('%I.%I', n.nspname, s.relname),
  has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(s.oid, 'SELECT')
  AND has_sequence_privilege(s.oid, 'UPDATE')
FROM (
  SELECT refobjid AS tableid, refobjsubid AS place, objid AS sequence
  FROM pg_catalog.pg_depend WHERE deptype = 'i' AND refclassid = 'pg_class'::regclass
  AND classid = 'pg_class'::regclass
  UNION
  SELECT f.adrelid, f.adnum, d.refobjid
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
) AS d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.tableid AND a.attnum = d.place
JOIN pg_catalog.pg_class s ON s.oid = d.sequence AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
WHERE d.tableid = to_regclass(:name)
"""
_CLOSE = 1000
"""So many numbers are taken one by one: an application that takes some meanwhile is no matter.
Further away the sequence is set, and nobody can take so many in the moment between; who sets it
looks again in his turn."""
_NUMBER_ON = f"""
DECLARE
  dualwrite_step bigint;
  dualwrite_end bigint;
  dualwrite_last bigint;
  dualwrite_steps bigint;
BEGIN
  SELECT seqincrement, seqmax INTO dualwrite_step, dualwrite_end
  FROM pg_catalog.pg_sequence
  WHERE seqrelid = {{name}}::regclass AND NOT seqcycle AND seqincrement > 0;
  FOR dualwrite_turn IN 1..2 LOOP
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - dualwrite_step END
    INTO dualwrite_last FROM {{sequence}};
    -- to the last number that it would have given up to the highest: the next one is beyond
    dualwrite_steps := ({{highest}} - dualwrite_last) / dualwrite_step;
    EXIT WHEN dualwrite_steps IS NULL OR dualwrite_steps <= 0
      OR dualwrite_last + dualwrite_steps::numeric * dualwrite_step > dualwrite_end;
    IF dualwrite_steps <= {_CLOSE} THEN
      PERFORM nextval({{name}}) FROM generate_series(1, dualwrite_steps);
      EXIT;
    ELSIF dualwrite_turn = 1 THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('dualwrite ' || {{name}}, 0));
    ELSE
      PERFORM setval({{name}}, dualwrite_last + dualwrite_steps * dualwrite_step);
    END IF;
  END LOOP;
EXCEPTION WHEN insufficient_privilege OR undefined_table OR numeric_value_out_of_range THEN
  RETURN;
END
"""  # noqa: S608 - quoted names and whole numbers
"""Moves a sequence past a number, in its own steps; one that is past it stays, and so does one
that went, or that we may not touch any more."""


def numbered(connection: sa.Connection, table: str) -> dict[str, Numbering]:
    """The columns of a table that take numbers from a sequence, as identities or by default."""
    found = connection.execute(sa.text(_NUMBERED), {"name": table})
    return {column: Numbering(sequence, movable) for column, sequence, movable in found}


def moved_past(sequence: str, highest: int) -> str:
    """The statement, which gives no rows, by which a sequence goes on after a number."""
    text = _NUMBER_ON.format(name=literal(sequence), sequence=sequence, highest=highest)
    return f"DO {literal(text)}"
