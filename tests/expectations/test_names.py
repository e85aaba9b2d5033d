"""Quality reports of tables whose columns have names that are no plain words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dualwrite.link import Side
from expectations.checking import check_tables
from expectations.docs import publish
from tests.sync.pair import pair_of

MAP = """\
finops: {table: t, key: ['"order no"']}
dataverse: {table: t, key: ['"order no"']}
columns:
  - '"order no" = "order no"'
  - '"a.b" = "a.b"'
  - '"20% {off}" = "20% {off}"'
  - '"my $grp"."co''de" = "my $grp"."co''de"'
expect:
  - ExpectColumnValuesToMatchRegex: {column: '"20% {off}"', regex: "^x"}
"""


def none(kind: str) -> None:
    raise AssertionError(kind)


def test_a_report_finds_the_rows_at_fault(
    tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    with pair_of(tmp_path, ("sqlite", "sqlite"), fresh_database, none) as pair:  # type: ignore[arg-type]
        for side in Side:
            pair.execute(
                side,
                'CREATE TABLE "my $grp" (id INTEGER PRIMARY KEY, "co\'de" VARCHAR(9) UNIQUE)',
                'CREATE TABLE t ("order no" VARCHAR(9) PRIMARY KEY, "a.b" VARCHAR(9) NOT NULL, '
                '"20% {off}" VARCHAR(9), "my $grp" INTEGER REFERENCES "my $grp")',
            )
        pair.execute(Side.FINOPS, "INSERT INTO \"my $grp\" VALUES (1, 'g')")
        pair.execute(Side.FINOPS, "INSERT INTO t VALUES ('A', 'a', 'x', NULL), ('B', 'b', 'y', 1)")
        with pair.open(odd=MAP):
            report = check_tables(pair.session, pair.session.map("odd"))
            published = publish(report, tmp_path, what="odd")

    failing = sorted((answer.column, answer.failing) for _, answer in report.failing())
    assert failing == [("20% {off}", 1), ("my $grp", 1)]
    assert published.is_file()
    pages = "".join(page.read_text(encoding="utf-8") for page in published.parent.glob("*.html"))
    assert "20% {off}" in pages
