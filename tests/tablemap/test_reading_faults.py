"""Every fault of a map file is reported, with its line and its cure, all at once."""

from pathlib import Path

import pytest

from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import Place
from dualwrite.tablemap.reading import read_map, read_map_text
from tests.tablemap.samples import ENDS, made


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "  - A = a: {upper: true}",
            (
                "7: DW1107 A = a: the plain sign = has a transform\n"
                "  write >< for =, or take the transform out"
            ),
        ),
        (
            "  - A >> a",
            (
                "7: DW1108 A >> a: the sign >> has no transform\n"
                "  write > for >>, or add a transform"
            ),
        ),
        (
            "  - A ~ a",
            (
                "7: DW1104 'A ~ a' is not FINOPS_COLUMN sign dataverse_column, sign one "
                "of = >< > >> < <<\n  write FINOPS_COLUMN sign dataverse_column, odd names in "
                "double quotes"
            ),
        ),
        (
            "  - A >> a: {uper: true}",
            (
                "7: DW1105 A >> a: there is no transform 'uper'\n"
                "  did you mean 'upper'? known: concat, date, default, lower, mask, python, round, "
                "seconds, split, timezone, trim, truncate, unit, upper, values"
            ),
        ),
        (
            "  - A >> a: {truncate: -1}",
            "7: DW1106 A >> a: `truncate` does not take -1\n  write it as {truncate: 30}",
        ),
        (
            "  - A >> a: {round: true}",
            (
                "7: DW1106 A >> a: `round` does not take true\n"
                "  write it as {round: 2, or round: {digits: 2, mode: half_even}}"
            ),
        ),
        (
            "  - A >> a: {split: {by: x}}",
            (
                "7: DW1106 A >> a: `split` does not take these words\n"
                '  write it as {split: {separator: "-", part: 1}}'
            ),
        ),
        (
            "  - A >< a: {truncate: 3}",
            (
                "7: DW1109 A >< a: `truncate` cannot be undone on the way back\n"
                "  make the column one-way, or give the inverse: "
                "{python: {function: m:f, inverse: m:g}}"
            ),
        ),
        (
            "  - A >< a: {python: m:f}",
            (
                "7: DW1109 A >< a: `python` cannot be undone on the way back\n"
                "  make the column one-way, or give the inverse: "
                "{python: {function: m:f, inverse: m:g}}"
            ),
        ),
        (
            "  - A >< a: {values: {x: 1, y: 1}}",
            (
                "7: DW1029 A >< a: 1 of dataverse matches several values of finops\n"
                "  give each meaning one value a side, or make the column one-way"
            ),
        ),
        (
            "  - A << a: {values: {x: true, y: true}}",
            (
                "7: DW1029 A << a: true of dataverse matches several values of finops\n"
                "  give each meaning one value a side, or make the column one-way"
            ),
        ),
        (
            "  - A >< a: {values: {map: {x: 1}, unmapped: 2}}",
            (
                "7: DW1029 A >< a: every unlisted value becomes 2, which has no way back\n"
                "  make the column one-way, or set `unmapped: reject` or `unmapped: pass`"
            ),
        ),
        (
            "  - A >> a: {values: {0123: 1}}",
            (
                "7: DW1113 0123 is read as a number, not as it is written\n"
                "  quote it if it is text: '0123'"
            ),
        ),
        (
            "  - A >> a: {values: {a: 1.5}}",
            ("7: DW1113 A >> a: 1.5 is read as a number with decimals\n  quote it: '1.5'"),
        ),
        (
            "  - A >> a: {values: missing}",
            (
                "7: DW1112 A >> a: there is no shared value map 'missing'\n"
                "  create maps/values/missing.yaml, or write the values in place"
            ),
        ),
        (
            "  - A >> a: {values: {x: 1, x: 2}}",
            "7: DW1114 'x' is there twice\n  keep one",
        ),
        (
            "  - none >> a: {upper: true}",
            (
                "7: DW1021 none >> a: no finops column to read from\n"
                "  name one, or give a constant: none >> a: {default: ...}"
            ),
        ),
        (
            "  - A > none",
            (
                "7: DW1024 A > none: no dataverse column to write to\n"
                "  name one, or take the line out; a constant for finops is written with <<"
            ),
        ),
        (
            "  - {A = a: {upper: true}, B = b: {upper: true}}",
            (
                "7: DW1102 columns: neither a column map nor one with transforms\n"
                "  write it as FINOPS_COLUMN >< dataverse_column: {transform: options}"
            ),
        ),
        (
            "money: {LIMIT: {precision: cut}}",
            (
                "7: DW1102 money: LIMIT: precision: neither reject nor a way of rounding\n"
                "  write it as precision: reject or precision: {round: half_even}"
            ),
        ),
        (
            "money: {LIMIT: {precision: {round: upwards}}}",
            (
                "7: DW1121 money: LIMIT: precision: round: 'upwards' is none of the words known "
                "here\n  known: ceiling, down, floor, half_down, half_even, half_up, up"
            ),
        ),
        (
            "money: {LIMIT: {kind: amounts}}",
            (
                "7: DW1121 money: LIMIT: kind: 'amounts' is none of the words known here\n"
                "  did you mean 'amount'? known: amount, cash, price"
            ),
        ),
        (
            "master: newst",
            (
                "7: DW1121 master: 'newst' is none of the words known here\n"
                "  did you mean 'newest'? known: dataverse, fill blanks only, finops, newest"
            ),
        ),
        (
            "tittle: x",
            (
                "7: DW1101 map: there is no word 'tittle' here\n"
                "  did you mean 'title'? known: columns, companies, conflicts, dataverse, "
                "depends_on, effective, expect, finops, map, master, max_rejected, money, "
                "publisher, quantity, replay, title, version, when_left"
            ),
        ),
        (
            "version: '1.0'",
            "7: DW1125 version: '1.0' is not four numbers\n  write it as 1.0.0.0",
        ),
        (
            "companies: USMF",
            ("7: DW1102 companies: 'USMF' where a list: [A, B] is expected\n  write it as shown"),
        ),
        (
            "max_rejected: some",
            (
                "7: DW1102 max_rejected: neither a number of rows nor a percentage\n"
                "  write it as max_rejected: 5% or max_rejected: 100"
            ),
        ),
    ],
)
def test_a_fault_is_reported_with_line_and_cure(written, message):
    with pytest.raises(MapError) as refused:
        made(f"{ENDS}{written}\n")

    assert str(refused.value) == f"m: 1 fault in the map. Nothing was run.\n\nmaps/m.yaml:{message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "map: m",
            "map: n",
            (
                "1: DW1111 the map is 'n', but its file 'm.yaml'\n"
                "  name the file n.yaml, or the map m"
            ),
        ),
        (
            "title: M\n",
            "",
            "1: DW1103 `title:` is missing\n  add `title:`",
        ),
        (
            "table: F, key: [ID]",
            "table: F",
            ("3: DW1003 finops: no integration key\n  name the natural key: `key: [COLUMN, ...]`"),
        ),
        (
            "table: F, ",
            "",
            "3: DW1103 finops: `table:` is missing\n  add `table:`",
        ),
        (
            "key: [id]",
            "key: [i-d]",
            (
                "4: DW1104 dataverse: key: 'i-d' is not a column, nor a path such as "
                "lookup.column or lookup.Table(column)\n  write a column's name, or lookup.column; "
                "a name with other signs in double quotes: '\"i-d\"'"
            ),
        ),
        (
            "key: [id]",
            "key: [id], filter: a eqq 3",
            (
                "4: DW1012 dataverse: filter: not expected here: did you mean eq? "
                "(column 2, at 'eqq 3')\n"
                "  see docs/reference/filters.md for what it may hold"
            ),
        ),
        (
            "key: [id]",
            "key: [id], lookups: {x: y z}",
            (
                "4: DW1104 dataverse: lookups: 'y z' is no table, nor table(column)\n"
                "  write it as {x: table} or {x: table(column)}"
            ),
        ),
        (
            "finops: {",
            "finops: [",
            (
                "3: DW1100 not YAML: expected ',' or ']', but got '}'\n"
                "  correct the line; docs/reference/map-file.md shows the shape"
            ),
        ),
        (
            "key: [id]",
            'key: [id], company: "i-d".x',
            (
                "4: DW1100 not YAML: expected ',' or '}', but got '<scalar>'\n"
                '  put single quotes around the whole text that begins with "i-d"'
            ),
        ),
        (
            "title: M",
            "title: !secret M",
            (
                "2: DW1100 the tag !secret has no meaning in a map\n"
                "  correct the line; docs/reference/map-file.md shows the shape"
            ),
        ),
    ],
)
def test_a_fault_in_the_head(old, new, message):
    with pytest.raises(MapError) as refused:
        made(ENDS.replace(old, new))

    assert str(refused.value) == f"m: 1 fault in the map. Nothing was run.\n\nmaps/m.yaml:{message}"


@pytest.mark.parametrize(
    ("written", "faults"),
    [
        ("{from: ID, to: ID}", ["DW1103 effective: `entity:` is missing"]),
        ("{entity: [], from: ID, to: ID}", ["DW1103 effective: `entity:` is missing"]),
        (
            "{entity: [ID]}",
            ["DW1103 effective: `from:` is missing", "DW1103 effective: `to:` is missing"],
        ),
    ],
)
def test_a_dated_entity_needs_all_its_parts(written, faults):
    with pytest.raises(MapError) as refused:
        made(f"{ENDS}effective: {written}\n")

    cure = "write it as effective: {entity: [COLUMN], from: COLUMN, to: COLUMN}"
    assert [str(finding) for finding in refused.value.findings] == [
        f"maps/m.yaml:7: {fault}\n  {cure}" for fault in faults
    ]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{entity: ID, from: ID, to: ID}", "DW1102"),
        ("{entity: [ID], from: [ID], to: ID}", "DW1102"),
        ("{entity: [ID], from: ID, to: ID, gaps: some}", "DW1121"),
        ("{entity: [ID], from: ID, to: ID, until: ID}", "DW1101"),
    ],
)
def test_a_dated_entity_is_read_strictly(written, code):
    with pytest.raises(MapError) as refused:
        made(f"{ENDS}effective: {written}\n")

    assert [(each.code, each.place.line) for each in refused.value.findings] == [(code, 7)]


def test_all_faults_of_a_file_come_at_once_in_its_order():
    with pytest.raises(MapError) as refused:
        made(ENDS + "  - A ~ a\n  - B = b: {trim: true}\nreplay: all\n")

    codes = [(finding.place.line, finding.code) for finding in refused.value.findings]
    assert codes == [(7, "DW1104"), (8, "DW1107"), (9, "DW1121")]
    assert str(refused.value).startswith("m: 3 faults in the map. Nothing was run.\n\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: DW1100 the file is empty"),
        ("- a\n", "1: DW1102 a map file is a mapping: map: NAME, ..."),
        ("just a word\n", "1: DW1102 a map file is a mapping: map: NAME, ..."),
    ],
)
def test_no_map_at_all(text, message):
    with pytest.raises(MapError) as refused:
        read_map_text(text, Path("maps/m.yaml"))

    assert message in str(refused.value)


def test_a_knot_of_anchors_is_refused():
    with pytest.raises(MapError, match="nested deeper than 20 levels"):
        made("&a [*a]")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(MapError) as refused:
        read_map(tmp_path / "gone.yaml")

    assert str(refused.value) == (
        "gone: 1 fault in the map. Nothing was run.\n\n"
        f"{tmp_path}/gone.yaml:1: DW1126 cannot be read: No such file or directory\n"
        "  check that it is there, is UTF-8 text, and may be read"
    )


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "m.yaml").write_bytes(b"map: \xff\n")

    with pytest.raises(MapError, match="cannot be read: it is not UTF-8 text"):
        read_map(tmp_path / "m.yaml")


def test_a_fault_in_a_shared_value_map_has_its_own_place(tmp_path):
    maps = tmp_path / "maps"
    (maps / "values").mkdir(parents=True)
    (maps / "values" / "bad.yaml").write_text("No: 0123\n")
    (maps / "m.yaml").write_text(ENDS + "  - A >> a: {values: bad}\n")

    with pytest.raises(MapError) as refused:
        read_map(maps / "m.yaml")

    assert [finding.place for finding in refused.value.findings] == [
        Place(maps / "values" / "bad.yaml", 1)
    ]
