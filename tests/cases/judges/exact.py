"""The judges of `exact`: what is right stands in the docstring of each."""

from __future__ import annotations

import ast
import re
from typing import Any

from tests.cases.judges.table import Judge, into
from tests.cases.output import Output, complaints, unless

JUDGES: dict[str, Judge] = {}


def after(text: str, marker: str) -> Any:
    """The Python value that a case prints after a marker; None where there is none."""
    _, there, rest = text.partition(marker)
    if not there:
        return None
    rest = rest.lstrip().partition("\n")[0]
    for end in range(len(rest), 0, -1):
        if rest[end - 1] not in ")]}'":
            continue
        try:
            return _value(rest[:end])
        except (SyntaxError, ValueError):
            continue
    return None


def _value(text: str) -> Any:
    """A literal, in which a decimal, a moment or a uuid stands as its text."""
    plain = re.sub(r"(?:Decimal|UUID)\(('[^']*')\)", r"\1", text)
    plain = re.sub(r"(?:datetime\.)+\w+\(([^()]*)\)", r"'\1'", plain)
    return ast.literal_eval(plain)


def lines(output: Output, beginning: str) -> list[str]:
    """The lines that begin so, without that beginning."""
    found = (line.strip() for line in output.text.splitlines())
    return [line[len(beginning) :] for line in found if line.startswith(beginning)]


@into(JUDGES, "exact/case_01_repro")
def carried_digit(output: Output) -> str:
    """10**36 or an error, never 0.00; the row is held or arrives as it was rounded."""
    api = "".join(lines(output, "API")).partition("expected")[0]
    there = {row[0]: row[2] for row in after(output.text, "DV ") or []}
    return complaints(
        unless(there.keys() >= {"B", "C"}, "the sound rows did not cross"),
        unless(
            "A" not in there or there["A"].startswith("1" + "0" * 36), "A arrived as another amount"
        ),
        unless("A" in there or "'id': 'A'" in output.text, "A is neither there nor held"),
        unless("'0.00'" not in api, "money.rounded gives 0.00"),
    )


@into(JUDGES, "exact/case_03_min", "exact/case_03_min2", "exact/case_03_repro")
def repair(output: Output) -> str:
    """`reconcile --repair` works on a map that has run, and is then done."""
    reports = [line for line in output.text.splitlines() if "{" in line]
    failed = [line for line in reports if "'rc': 1" in line or "'error':" in line]
    return complaints(
        unless(reports, "nothing was tried"),
        unless("taken it over" not in output.text, "it takes itself for another worker"),
        unless(not failed, f"{len(failed)} of {len(reports)} fail"),
    )


@into(JUDGES, "exact/case_04_repro")
def clock_change(output: Output) -> str:
    """A time that exists twice or not at all is held, or left as it was entered."""
    entered = after(output.text, "dataverse now")
    keyed = output.text.partition("c) check:")[2].partition("d) ERP")[0]
    merged = len(after(keyed, "ERP") or ()) < len(after(keyed, "dataverse ") or "ab")
    spring = output.text.partition("d) ERP 02:30 local")[2]
    return complaints(
        unless(entered == [("2026-10-25 01:30:00",)], "a) the value was rewritten where entered"),
        unless(
            not re.search(r"reconcile \{'same': \d+, 'differ': [1-9]", output.text),
            "reconcile differs",
        ),
        unless(not merged or "held:" in keyed, "c) two moments became one row"),
        unless(spring and "03:00" not in spring, "d) a time that does not exist was moved"),
    )


@into(JUDGES, "exact/case_05_repro")
def half_open(output: Output) -> str:
    """Half-open periods cross by `end: exclusive`; those of a second's fraction do not overlap."""
    parts = {part.partition("\n")[0].strip(): part for part in output.text.split("== ")[1:]}
    words = after(parts.get("words", ""), "DV")
    return complaints(
        unless(len(parts) == 5, f"{len(parts)} of 5 are shown"),
        unless(words and len(words) == 1, "`end: exclusive` is not understood"),
        unless(after(parts.get("dvend", ""), "DV"), "a plain period did not cross"),
    )


@into(JUDGES, "exact/case_06_tz")
def zones(output: Output) -> str:
    """Days stay days, whatever the zone of a session."""
    found = after(output.text, "FIN")
    days = {row[:3] for row in found or []}
    want = {("A", "2026-03-01", "2026-03-28"), ("A", "2026-03-29", "2026-10-24")}
    return complaints(
        unless(want <= days, "a day moved"),
        unless(any(row[0] == "B" and row[1] == "2026-03-29" for row in days), "B did not cross"),
    )


@into(JUDGES, "exact/case_07_repro")
def unreadable(output: Output) -> str:
    """The good rows cross, the bad one is held or crosses."""
    found = [line for line in output.text.splitlines() if "| crossed" in line]
    wrong = []
    for line in found:
        crossed = {row[0] for row in after(line, "| crossed") or []}
        want = {"g1", "g2", "g3"} if " live " in line else {"g1", "g2"}
        if not want <= crossed:
            wrong.append(f"{line.partition(' |')[0]}: good rows did not cross")
        elif "bad" not in crossed and "'code': 'bad'" not in line:
            wrong.append(f"{line.partition(' |')[0]}: the bad row is nowhere")
    return complaints(unless(len(found) == 20, f"{len(found)} of 20 were tried"), *wrong)


@into(JUDGES, "exact/case_08_repro")
def ranges(output: Output) -> str:
    """A number out of the column's range is said by check, dry run, run and report alike."""
    wrong = []
    for kind in ("pg", "maria"):
        part = output.text.partition(f"{kind} check")[2].partition("maria check")[0]
        dry, run = after(part, "dry run"), after(part, "run    ")
        if not (dry and run):
            wrong.append(f"{kind}: nothing is shown")
        elif dry["rejected"] != run["rejected"] or run["rejected"] != 2:
            wrong.append(f"{kind}: dry run {dry['rejected']}, run {run['rejected']} of 2 rejected")
        if "refused by the app" in part:
            wrong.append(f"{kind}: only the database refuses")
    report = output.after("quality_report rc")
    return complaints(*wrong, unless("whole_number_range" in report, "the report finds nothing"))


@into(JUDGES, "exact/case_09_repro")
def twins_by_collation(output: Output) -> str:
    """A row whose key the other side takes for another's is held; that row stays untouched."""
    parts = re.split(r"(?m)^(?:case|blank|accent) (?:unique|no) index\n", output.text)[1:]
    wrong = []
    for number, part in enumerate(parts, 1):
        for what in ("insert twin", "change twin"):
            there = after(part.partition(what)[2], "| DV")
            if there is None or not any(row[1] == "first" for row in there):
                wrong.append(f"{number}, {what}: the first row was overwritten")
    return complaints(unless(len(parts) == 6, f"{len(parts)} of 6 were tried"), *wrong)


@into(JUDGES, "exact/case_10_projection")
def projection(output: Output) -> str:
    """Two rows that are valid at a time are held, live as at first."""
    held = [after(line, "held") for line in output.text.splitlines() if "held" in line]
    return unless(len(held) == 2 and all(held), "two valid rows of one entity are not held")


@into(JUDGES, "exact/case_10_repro")
def twins(output: Output) -> str:
    """Two rows of one key are held live as in the initial sync; no edit overwrites both."""
    wrong = []
    for kind in ("pg", "maria"):
        line = next(iter(lines(output, f"{kind} twins inserted live")), "")
        held = str(after(line, "| held"))
        there = str(after(line, "| DV"))
        if "'C'" not in held or "'C'" in there:
            wrong.append(f"{kind}: twins inserted live are not held")
        changed = next(iter(lines(output, f"{kind} dv changed C")), "")
        if "'c1'" not in changed or "'c2'" not in changed:
            wrong.append(f"{kind}: an edit overwrote both twins")
    return complaints(*wrong)


@into(JUDGES, "exact/case_11_repro")
def wide_decimals(output: Output) -> str:
    """No number arrives as another."""
    found = re.findall(r"wrong on the other side: (\d+) of \d+ held (\d+)", output.text)
    return complaints(
        unless(len(found) == 6, f"{len(found)} of 6 were tried"),
        unless(all(wrong == "0" for wrong, _ in found), "a number arrived as another"),
    )


@into(JUDGES, "exact/case_12_repro")
def fractions(output: Output) -> str:
    """Held, or warned of by the check and not different for ever."""
    rejected = re.findall(r"rejected (\d+) ", output.text)
    return complaints(
        unless(len(rejected) == 3, f"{len(rejected)} of 3 were tried"),
        unless(all(count == "1" for count in rejected), "a fraction was cut or rounded"),
        unless("'differ': 1" not in output.text, "reconcile differs"),
        unless(
            output.text.count("59.9") + output.text.count("59, 59, 900000") == 9,
            "the ERP's value was rewritten",
        ),
    )


@into(JUDGES, "exact/case_14_repro")
def other_currency(output: Output) -> str:
    """An amount is rounded or judged anew when only its currency or company changes."""
    wrong = []
    for pol, kind in (("{round", "pg"), ("{round", "maria"), ("reject", "pg"), ("reject", "maria")):
        line = next(
            (x for x in output.text.splitlines() if x.startswith(pol) and f" {kind} |" in x), ""
        )
        found = {row[0]: row for row in after(line, "changed:") or []}
        if not found:
            wrong.append(f"{pol} {kind}: nothing is shown")
        elif pol == "reject" and (found["A"][1], found["B"][3]) != ("USD", "USMF"):
            wrong.append(f"{kind}: the row is not held")
        elif pol != "reject" and (float(found["A"][2]), float(found["B"][4])) != (11, 20):
            wrong.append(f"{kind}: the amount is not rounded anew")
    return complaints(*wrong)
