"""The judges of `public` about values and types; its log.md says what is right."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from tests.cases.judges.table import Judge, into
from tests.cases.output import (
    Output,
    clean,
    complaints,
    every,
    keys,
    reconciled,
    rows,
    unless,
)

JUDGES: dict[str, Judge] = {}


def table(output: Output, marker: str, until: str = "$ dualwrite") -> dict[str, tuple[str, ...]]:
    """The rows of a table that is shown after a marker, by their first cell."""
    return {row[0]: row[1:] for row in rows(output.after(marker, until))}


def _alike(found: str, want: str) -> bool:
    """Whether two cells show one value: a number keeps it with more zeros behind the point."""
    try:
        return Decimal(found) == Decimal(want)
    except InvalidOperation:
        return found == want


def arrived(
    found: dict[str, tuple[str, ...]], want: dict[str, tuple[str, ...]], held: set[str]
) -> str:
    """What complains of rows that neither arrived as they should nor are held."""
    wrong = []
    for key, cells in want.items():
        if key not in found:
            wrong.append("" if key in held else f"{key} is neither there nor held")
        elif not all(map(_alike, found[key], cells)):
            wrong.append(f"{key} arrived as {' | '.join(found[key])}")
    return complaints(*wrong)


@into(JUDGES, "public/case_01")
def tinyint(output: Output) -> str:
    """2, 7, -1 arrive, or the rows are held."""
    want = {"A": ("0",), "B": ("1",), "C": ("2",), "D": ("7",), "E": ("-1",)}
    finops = table(output, "--- finops")
    return complaints(
        arrived(table(output, "--- dataverse"), want, keys(output.held("c01"))),
        unless(
            all(finops.get(key, ("",))[0] == cells[0] for key, cells in want.items()),
            "finops lost a number",
        ),
    )


@into(JUDGES, "public/case_06")
def json(output: Output) -> str:
    """JSON is equal by meaning."""
    found = reconciled(output.text)
    return complaints(
        unless(len(found) == 2, "reconcile is not shown twice"),
        unless(all(counts == (2, 0, 0, 0, 0, 0) for counts in found), "reconcile differs"),
    )


@into(JUDGES, "public/case_08")
def wide_numeric(output: Output) -> str:
    """Sound rows cross; 11 decimals and NaN cross exactly or are held."""
    shown = output.text.split("code | n | note")[1:]
    if len(shown) != 2:
        return "the table is not shown twice"
    first, last = ({row[0]: row[1:] for row in rows(text)} for text in shown)
    sound = {"A": ("1.5",), "C": ("2",), "D": ("3",)}
    held = output.after("$ dualwrite errors", "$ dualwrite sync")
    return complaints(
        arrived(first, sound, set()),
        arrived(last, sound, set()),
        arrived(first, {"B": ("0.12345678901",)}, {"B"} if "0.12345678901" in held else set()),
        arrived(last, {"N": ("NaN",)}, keys(output.held("c08"))),
    )


@into(JUDGES, "public/case_09")
def latin1(output: Output) -> str:
    """Größe is stored as 477266df65, Łódź is held, and what is read is text."""
    inward = output.after("--- into LATIN1", "--- out of LATIN1")
    return complaints(
        unless("477266df65" in inward, "Größe is not stored in the database's encoding"),
        unless(not re.search(r"(?m)^B \|", inward), "Łódź was stored"),
        unless("B" in keys(output.held("c09")), "Łódź is not held"),
        unless("C | Señor" in output.after("--- out of LATIN1"), "Señor did not arrive"),
    )


@into(JUDGES, "public/case_12")
def infinity(output: Output) -> str:
    """The other map goes on, the row is held."""
    shown = output.text.count("X | sound row of another map")
    return complaints(
        unless(shown == 2, "the other map's row is not there after sync and live"),
        unless("B" in keys(output.held("c12")), "the row is not held"),
    )


@into(JUDGES, "public/case_13")
def fractions(output: Output) -> str:
    """Held, or at least a warning by `maps check`; and no value is cut in the ERP."""
    check = output.steps("dualwrite maps check")
    warned = bool(check) and "second" in check[0].text
    held = {"A", "B"} <= keys(output.held("c13"))
    counts = reconciled(output.text)[-1:] or [(0, 1)]
    return complaints(
        unless(held or warned, "neither held nor warned of"),
        unless(not counts[0][1], "reconcile differs after the second initial sync"),
        unless(
            "10:00:00.6 | 2026-05-01 10:00:00.123456" in output.after("changes only the note"),
            "the ERP's values are not shown whole",
        ),
    )


@into(JUDGES, "public/case_14", "public/case_62")
def ends_equal(output: Output) -> str:
    """Keys match both ways: both sides end equal, nothing is held."""
    return complaints(clean(output.text), unless("\n0 rows" not in output.text, "no row"))


@into(JUDGES, "public/case_15")
def uuid_keys(output: Output) -> str:
    """Capitals and small letters are one uuid."""
    return complaints(
        clean(output.text, 2),
        unless("are there already" not in output.text, "a row is taken for a new one"),
    )


@into(JUDGES, "public/case_20")
def currencies(output: Output) -> str:
    """Known currencies pass, unknown ones and too fine amounts are refused clearly."""
    held = keys(output.held("c20"))
    return complaints(
        unless({"17", "23", "29"} <= held, "BTC, GBX or 1.005 EUR is not held"),
        unless(not {"1", "3", "24"} & held, "EUR, XCG or HUF is held"),
        unless("BTC" in output.text, "the currency is not named"),
    )


@into(JUDGES, "public/case_21")
def no_utf8(output: Output) -> str:
    """The row is held, the others cross."""
    found = table(output, "code | name", "$ dualwrite errors")
    return complaints(
        unless({"A", "C"} <= found.keys(), "the sound rows did not cross"),
        unless("B" in found or "B" in keys(output.held("c21")), "row B is not held"),
    )


@into(JUDGES, "public/case_24")
def summer_time(output: Output) -> str:
    """A time that does not exist or exists twice is held, or documented; nothing is bent."""
    shown = output.text.split("code | local_ | note")
    last = {row[0]: row[1:] for row in rows(shown[-1])} if len(shown) > 1 else {}
    there = table(output, "code | moment | note", "code | local_")
    held = keys(output.held("c24"))
    counts = reconciled(output.text)[-1:] or [(0, 1)]
    return complaints(
        unless(last.get("A", ("",))[0] == "2026-03-29 02:30:00", "A was bent in the ERP"),
        unless("A" not in there and "A" in held, "A, which does not exist, is not held"),
        unless("C" in there, "the plain time did not cross"),
        unless(not counts[0][1], "reconcile differs"),
    )


@into(JUDGES, "public/case_35")
def letters(output: Output) -> str:
    """What a column cannot store is held, never bent."""
    held = keys(output.held("c35"))
    return complaints(
        unless("| A    | plain |" in output.text, "the plain rows did not cross"),
        unless(not re.search(r"(?m)^\| .*\?", output.text), "a letter became a question mark"),
        unless("N" in held, "the text with NUL is not held"),
        unless({"B", "C"} <= held, "the rows for latin1 are not held"),
    )


def _type_parts(output: Output, marker: str, count: int) -> list[str]:
    parts = output.parts(marker)
    wrong = []
    for number, part in enumerate(parts, 1):
        counts = reconciled(part)
        if any(line[1] for line in counts):
            wrong.append(f"type {number}: reconcile differs")
    if len(parts) != count:
        wrong.append(f"{len(parts)} of {count} types were tried")
    return wrong


@into(JUDGES, "public/case_36")
def mariadb_types(output: Output) -> str:
    """A bit gets the number, a FLOAT keeps its digits; everything is equal, held or refused."""
    parts = output.parts("--- MariaDB ")
    bit = next((part for part in parts if re.search(r"\| +165 \|", part)), "")
    return complaints(
        *_type_parts(output, "--- MariaDB ", 19),
        unless(re.search(r"\| +3 \|\s*$", bit.rstrip()), "bit(8) does not hold 3"),
        unless("16777216" in output.text or "1.6777216e+07" in output.text, "16777216 is bent"),
        unless("1234567.75" in output.text, "1234567.75 is bent"),
    )


@into(JUDGES, "public/case_37")
def postgresql_types(output: Output) -> str:
    """Each type is carried, held, or refused by the check."""
    return complaints(
        *_type_parts(output, "--- PostgreSQL ", 28),
        unless('A | {x,"y,z"}' in output.text, "text[] is not shown"),
    )


@into(JUDGES, "public/case_38")
def units(output: Output) -> str:
    """Exact or held."""
    want = {"2": "6", "3": "36", "5": "0.0025", "7": "288", "9": "68.9", "12": "-1", "17": "7"}
    found = {row[0]: row[3] for row in rows(output.text) if len(row) == 5}
    held = keys(output.held("c38"))
    wrong = []
    for key, value in want.items():
        if key not in found and key not in held:
            wrong.append(f"{key} is neither there nor held")
        elif key in found and float(found[key]) != float(value):
            wrong.append(f"{key} arrived as {found[key]}")
    return complaints(*wrong, unless("14" in held, "kg into pcs is not held"))


@into(JUDGES, "public/case_39")
def rounding(output: Output) -> str:
    """By the rule of the map; a correction over there comes back, and nothing echoes."""
    found = {row[0]: row[2:] for row in rows(output.after("$ dualwrite run", "$ dualwrite errors"))}
    want = {"1": "60.3200", "2": "-60.3200", "3": "0.0000", "4": "0.0000", "5": "100.0000"}
    want |= {"6": "1.2340", "9": "1.1200", "10": "1000000000000.0000"}
    wrong = [
        f"{key} is {found.get(key, ('absent',))[0]}"
        for key, value in want.items()
        if found.get(key, ("",))[0].replace("-0.0000", "0.0000") != value
    ]
    cash = {key: found.get(key, ("", ""))[1] for key in ("7", "8")}
    return complaints(
        *wrong,
        unless(cash == {"7": "0.0500", "8": "-0.1000"}, "cash is not in steps of 0.05"),
        unless("Nothing was pending" in output.after("--- no echo"), "it echoes"),
    )


@into(JUDGES, "public/case_45")
def default_of_its_own(output: Output) -> str:
    """Warned of at the check."""
    check = output.steps("dualwrite maps check")
    return complaints(
        unless(check and "status" in check[0].text, "the check does not warn"),
        unless("A" in keys(output.held("c45")) or "| A " in output.text, "row A is nowhere"),
    )


@into(JUDGES, "public/case_52")
def date_or_moment(output: Output) -> str:
    """Refused, or held with a cure; no day moves."""
    checks = output.steps("dualwrite maps check")
    said = len(checks) == 2 and all("DW" in step.text for step in checks)
    return unless(said, "the check says nothing of a date against a moment")


@into(JUDGES, "public/case_53")
def value_maps(output: Output) -> str:
    """An unlisted value is held, and named; one in other letters is the one that is listed."""
    held = keys(output.held("c53"))
    return complaints(
        unless({"D", "X"} <= held, "D or X is not held"),
        unless("E" in held or "E | 1 |" in output.text, "E is neither held nor All"),
        unless("A | 0 | t" in output.text, "A did not cross"),
        unless("'7'" in output.text or " 7" in output.after("value_map_total"), "7 is not named"),
    )


@into(JUDGES, "public/case_54")
def numbers_as_text(output: Output) -> str:
    """What is no number or day holds its row."""
    found = table(output, "code | qty", "$ dualwrite errors")
    held = keys(output.held("c54"))
    return complaints(
        arrived(found, {"A": ("12", "1234.50", "2026-03-01")}, set()),
        unless({"B", "C", "G"} <= held, "B, C or G is not held"),
        unless(not {"B", "C", "G"} & found.keys(), "a row that should be held is there"),
    )


@into(JUDGES, "public/case_56")
def generated(output: Output) -> str:
    """Generated columns are left out or refused."""
    check = output.steps("dualwrite maps check")
    return complaints(
        unless(check and check[0].code, "the map of generated columns is not refused"),
        unless(every(["| A | 1 | 2", "| B | 5 | 10", "| A | 7 | 14"], output.text), "rows differ"),
    )


@into(JUDGES, "public/case_64")
def widened(output: Output) -> str:
    """Checks, defaults, comments and generated columns are kept."""
    parts = output.parts("=== ")
    if len(parts) != 2:
        return "not both pairs are shown"
    mariadb = parts[0].lower()
    return complaints(
        unless(every(["decimal(", "check", "generated", "it''s a price"], mariadb), "MariaDB lost"),
        unless("1.23456" in mariadb, "the value in MariaDB is cut"),
        unless("1.23456" in parts[1], "the value in PostgreSQL is cut"),
        unless("price >= " in parts[1], "PostgreSQL lost its check"),
    )


@into(JUDGES, "public/case_67")
def rates(output: Output) -> str:
    """Right, or among the problems."""
    return complaints(
        unless(
            every(
                ["above zero and is 0", "above zero and is -9", "to itself must be 1"], output.text
            ),
            "zero, negative and own rates are no problems",
        ),
        unless(re.search(r"JPY USD 2026-01-05 0\.0065", output.text), "per 100 is not reckoned"),
        unless("USD NIO 2026-08-29 28.8439" in output.text, "the plain rate is not found"),
    )


@into(JUDGES, "public/case_71")
def leading_zeros(output: Output) -> str:
    """Refused at the check, or held; no duplicate, no overwritten row."""
    run = output.steps("dualwrite run")
    if run and run[0].code:
        return ""
    found = {row[0] for row in rows(output.text)}
    return complaints(
        unless(run, "run is not shown"),
        unless("9" not in found, "'09' became 9"),
        unless(("7", "crm edit") not in rows(output.text), "an edit of '007' overwrote 7"),
    )


@into(JUDGES, "public/case_75")
def no_numbers(output: Output) -> str:
    """Wildcards in filters mean themselves; what is no number is held or right."""
    shown = output.text.rpartition("$ dualwrite run")[2]
    found = {row[0]: row[1:] for row in rows(shown)}
    return complaints(
        unless({"C", "D"} <= found.keys(), "C or D did not cross"),
        unless("B" not in found, "B passed the filter"),
        unless("A" in found or "A" in keys(output.held("c75")), "A is nowhere"),
    )
