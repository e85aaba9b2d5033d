"""A cycle notices what a capture does not see any more; the journal has it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dualwrite.link import Side
from tests.servers.running import Server
from tests.sync.pair import Pair, pair_of

F, D = Side
PARTS = """\
finops: {table: part, key: [id]}
dataverse: {table: part, key: [id]}
columns:
  - id = id
  - name = name
"""
TABLE = "CREATE TABLE part (id int PRIMARY KEY, name varchar(20))"


def test_a_partition_that_was_attached_after_the_run(
    tmp_path: Path, fresh_database: Callable[[str], str], postgresql_server: Server
) -> None:
    kinds = ("postgresql", "sqlite")
    with pair_of(tmp_path, kinds, fresh_database, lambda _: postgresql_server) as pair:
        low = "CREATE TABLE low PARTITION OF part FOR VALUES FROM (0) TO (10)"
        pair.execute(F, f"{TABLE} PARTITION BY RANGE (id)", low)
        pair.execute(D, TABLE)
        with pair.open(parts=PARTS):
            pair.run("parts")
            pair.cycle("parts")
            assert _unseen(pair) == []
            pair.execute(
                F,
                TABLE.replace("part", "high"),
                "INSERT INTO high VALUES (11, 'unseen')",
                "ALTER TABLE part ATTACH PARTITION high FOR VALUES FROM (10) TO (20)",
            )

            pair.cycle("parts")

            found = _unseen(pair)
            assert found
            assert all(line.startswith("finops.part: trigger ") for line in found)
            assert all("of public.high is missing" in line for line in found)
            [last, *_] = pair.session.journal.activity.newest("parts", 1)
            assert last.text.startswith("not every change is seen: finops.part: trigger ")


def _unseen(pair: Pair) -> list[str]:
    maps = pair.session.journal.maps.all()
    return [line for each in maps for line in each.unseen]
