"""The judges of `public` about capture, conflicts and servers; its log.md says what is right."""

from __future__ import annotations

import re

from tests.cases.judges.public_values import table
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


def each(output: Output, marker: str, count: int, same: int | None = None) -> list[str]:
    """The complaints where each part should end with both sides equal."""
    parts = output.parts(marker)
    wrong = [f"part {n}: {said}" for n, part in enumerate(parts, 1) if (said := clean(part, same))]
    return wrong if len(parts) == count else [f"{len(parts)} of {count} parts", *wrong]


def refuses(output: Output, command: str, word: str) -> bool:
    """Whether a command does not end well, and says why by the word."""
    return any(step.code and word in step.text.lower() for step in output.steps(command))


@into(JUDGES, "public/case_02")
def cascades(output: Output) -> str:
    """The lines cross, or a fault or a word with the cure before the map runs."""
    first = output.steps("dualwrite maps check") + output.steps("dualwrite run")
    said = any("cascade" in step.text.lower() for step in first)
    lines = {row for row in rows(output.after("--- dataverse", "$ ")) if len(row) == 3}
    crossed = {("O9", "1", "7"), ("O3", "1", "9")} == {row for row in lines if row[1].isdigit()}
    return unless(crossed or said, "cascaded lines did not cross, and nobody said so before")


@into(JUDGES, "public/case_04")
def partitions(output: Output) -> str:
    """Carried, or said."""
    shown = rows(output.after("number | yr", "$ dualwrite"))[1:]  # the header's rest
    found = {row[:2]: row[2:] for row in shown}
    want = {("I1", "2025"): ("11.00",), ("I3", "2026"): ("3.00",)}
    said = any("partition" in step.text for step in output.steps("dualwrite run"))
    return unless(found == want or said, "rows of partitions did not cross, and run did not say so")


@into(JUDGES, "public/case_05")
def replicated(output: Output) -> str:
    """Captured, or said."""
    want = ["A | by replication", "C | by replication"]
    return unless(every(want, output.text), "changes by replication did not cross")


@into(JUDGES, "public/case_16")
def versioned(output: Output) -> str:
    """Tables with system or application time are carried."""
    shown = output.after("delete for portion", "$ dualwrite check").rpartition("code | d1")[2]
    found = {row[:3] for row in rows(shown)}
    want = {("A", "2026-01-01", "2026-03-01"), ("A", "2026-04-01", "2026-07-01")}
    want |= {("A", "2026-07-01", "2026-12-01")}
    return complaints(
        unless(want <= found, "the split periods did not cross"),
        unless("A | 4.00 | again" in output.text, "the versioned row did not cross"),
        unless("|  5.00 | again" in output.text, "the edit of dataverse did not cross"),
    )


@into(JUDGES, "public/case_17")
def other_rows(output: Output) -> str:
    """The cleared flag of the old address comes back."""
    finops = table(output, "--- finops", "--- dataverse")
    return complaints(
        unless(finops.get("A1", ("", ""))[1] == "f", "A1 is still primary in finops"),
        unless(finops.get("A3", ("", ""))[1] == "t", "A3 is not primary in finops"),
        clean(output.text, 3),
    )


@into(JUDGES, "public/case_18")
def given_numbers(output: Output) -> str:
    """What the target gives or tidies comes back, from an initial sync and live."""
    finops = table(output, "--- finops", "--- dataverse")
    return complaints(
        unless(finops.get("1", ("", ""))[1].startswith("Q-"), "no number after the initial sync"),
        unless(finops.get("2", ("", ""))[1].startswith("Q-"), "no number of the live row"),
        clean(output.text, 2),
    )


@into(JUDGES, "public/case_19")
def companies(output: Output) -> str:
    """`usmf` is taken as USMF, or it is a finding: each row is parked, and says why."""
    names = ["Adatum", "Fabrikam", "Contoso", "Litware"]
    crossed = every(names, output.after("$ dualwrite run", "$ dualwrite errors"))
    held = {("usmf", "C1"), ("usmf", "C2"), ("demf", "C4")}
    parked = output.after("$ dualwrite errors", "$ dualwrite reconcile")
    said = all(f"({company}, {account})" in parked for company, account in held)
    return unless(crossed or said, "rows of `usmf` did not cross, and nothing says so")


@into(JUDGES, "public/case_22")
def large_row(output: Output) -> str:
    """The row is held with its size, the others cross."""
    last = output.text.rpartition("$ dualwrite errors")[2]
    found = {row[0] for row in rows(last)}
    held = output.held("c22")
    return complaints(
        unless({"A", "C", "D"} <= found, "A, C or D did not cross"),
        unless("B" in keys(held), "row B is not held"),
        unless("max_allowed_packet" in output.text, "the limit is not named"),
    )


@into(JUDGES, "public/case_23")
def certificates(output: Output) -> str:
    """The options of the URL reach every session; a wrong CA is refused."""
    check, run = output.steps("dualwrite check"), output.steps("dualwrite run")
    wrong = output.after("--- a wrong CA", "SQLAlchemy:")
    return complaints(
        unless(check and check[0].code == 0, "check fails with a client certificate"),
        unless(run and run[0].code == 0, "run fails with a client certificate"),
        unless("did not sign: connected" not in wrong, "a wrong CA is accepted"),
        unless("ertificate" in wrong or "SSL" in wrong, "the wrong CA is not the reason"),
    )


@into(JUDGES, "public/case_25")
def swapped_values(output: Output) -> str:
    """Both rows cross, on every pair of databases."""
    swapped = [
        f"part {number}: the numbers are not swapped"
        for number, part in enumerate(output.parts("--- "), 1)
        if not {("1", "B"), ("2", "A")} <= {row[:2] for row in rows(part)}
    ]
    return complaints(*each(output, "--- ", 5, 4), *swapped)


@into(JUDGES, "public/case_26")
def swapped_keys(output: Output) -> str:
    """Both rows cross, on every pair of databases."""
    return complaints(*each(output, "--- ", 4, 3))


@into(JUDGES, "public/case_27")
def odd_names(output: Output) -> str:
    """There is a way to write any name."""
    checks = output.steps("dualwrite maps check")
    return complaints(
        unless(len(checks) == 3 and checks[2].code == 0, "a quoted name is refused"),
        unless(
            checks and (checks[0].code == 0 or "quot" in checks[0].text),
            "an odd name is refused without a word of quotes",
        ),
    )


@into(JUDGES, "public/case_28")
def long_names(output: Output) -> str:
    """Two maps, two queues."""
    found = rows(output.text)
    return unless({("A", "a2"), ("A", "b2")} <= set(found), "a change of either map did not cross")


@into(JUDGES, "public/case_29")
def key_names(output: Output) -> str:
    """Every command works, whatever the key is called."""
    parts = output.parts("--- key called")
    return complaints(
        unless(len(parts) == 2, "not both names were tried"),
        unless("exists 2 times" not in output.text, "a column is taken for the queue's own"),
        unless(all("1 | uno" in part for part in parts), "an edit did not cross"),
        *[
            f"{step.command} ends with {step.code}"
            for step in output.steps("dualwrite")
            if step.code and step.command.split()[1] in ("queue", "reconcile", "resume", "sync")
        ],
    )


@into(JUDGES, "public/case_30")
def both_edit_in_a_pause(output: Output) -> str:
    """A conflict that waits; neither edit is overwritten."""
    parts = output.parts("--- ")
    wrong = []
    for number, part in enumerate(parts, 1):
        shown = part.partition("$ dualwrite sync")[2]
        before, _, conflicts = shown.partition("$ dualwrite conflicts")
        if not (("B", "erp", "x") in rows(before) and ("B", "crm", "x") in rows(before)):
            wrong.append(f"part {number}: an edit was overwritten")
        if "No conflict" in conflicts or not conflicts:
            wrong.append(f"part {number}: no conflict is on record")
    return complaints(unless(len(parts) == 2, "not both pairs were tried"), *wrong)


@into(JUDGES, "public/case_31")
def same_key_created(output: Output) -> str:
    """One row, a conflict on record."""
    last = output.text.rpartition("$ dualwrite sync")[2]
    found = rows(last)
    return complaints(
        unless(found.count(("B", "erp")) == 2, "the decision did not cross"),
        unless(found.count(("A", "new")) == 2, "the equal edits are not equal"),
        unless(keys(output.conflicts("c31")) == {"B"}, "the conflict is not on record, or more"),
    )


@into(JUDGES, "public/case_32")
def uuid_without_default(output: Output) -> str:
    """A new identity is made."""
    runs = output.steps("dualwrite run")
    return complaints(
        unless(len(runs) == 2, "not both pairs were tried"),
        *[f"run {n} did not write" for n, r in enumerate(runs, 1) if " 1 written" not in r.text],
    )


@into(JUDGES, "public/case_33")
def sequences(output: Output) -> str:
    """The sequence is moved, or the check warns."""
    check = output.steps("dualwrite maps check")
    said = bool(check) and re.search(r"sequence|serial|own number", check[0].text)
    inserted = output.after("own application inserts", "--- both apps give")
    moved = bool(check) and "duplicate key" not in inserted
    return unless(said or moved, "the sequence is not moved, and no check says so")


@into(JUDGES, "public/case_34")
def equal_by_collation(output: Output) -> str:
    """Held, with the reason; the row that is there is not touched."""
    last = output.text.rpartition("$ dualwrite sync")[2]
    return complaints(
        unless(("[ab]", "1") in rows(last), "the row 'ab' was changed or deleted"),
        unless(
            "AB" in output.after("$ dualwrite errors", "$ dualwrite reconcile"),
            "'AB' is not held",
        ),
        unless("are there already" not in output.text, "the reason is not the collation"),
    )


@into(JUDGES, "public/case_40")
def periods(output: Output) -> str:
    """Periods fit on both sides."""
    last = {row[1:] for row in rows(output.after("--- 6. swap")) if row[0] == "A"}
    want = {("2026-02-01", "2026-03-31", "1.00"), ("2026-04-01", "2154-12-31", "2.00")}
    return complaints(unless(last == want, "the replaced periods differ"), clean(output.text))


@into(JUDGES, "public/case_42")
def cut_connections(output: Output) -> str:
    """`live` goes on."""
    last = output.after("connections of MariaDB are killed")
    want = ["| A ", "| B ", "| C ", "rc 0"]
    return unless(every(want, last), "a row did not cross after a cut, or live ended")


@into(JUDGES, "public/case_43")
def reloads(output: Output) -> str:
    """The guard holds; a reload in one transaction costs nothing."""
    found = [row for row in rows(output.text) if all(cell.isdigit() for cell in row)]
    counts = [row for row in found if len(row) == 2]
    return complaints(
        unless(len(counts) == 4, "the count is not shown four times"),
        unless(counts[:3] == [("300", "300")] * 3, "a reload or TRUNCATE cost rows"),
        clean(output.text, 300),
    )


@into(JUDGES, "public/case_46")
def renamed_columns(output: Output) -> str:
    """The map waits and says so, the other goes on; named back, it heals."""
    parts = output.parts("=== ")
    wrong = []
    for number, part in enumerate(parts, 1):
        first = part.partition("--- and named back")[0]
        if "sound" not in first.partition("$ dualwrite sync")[2]:
            wrong.append(f"part {number}: the other map did not go on")
        if not every(["sound2", "sound3"], part):
            wrong.append(f"part {number}: the other map stood still later")
        back = part.partition("--- and named back")[2].partition("--- renamed in")[0]
        if not {("A", "a"), ("B", "b")} <= set(rows(back)):
            wrong.append(f"part {number}: it did not heal")
    return complaints(unless(len(parts) == 3, "not all pairs were tried"), *wrong)


@into(JUDGES, "public/case_51")
def killed_worker(output: Output) -> str:
    """The schedule heals."""
    return unless("Z | after" in output.text, "the row did not cross after the worker was killed")


@into(JUDGES, "public/case_57", "public/case_58")
def later_edits(output: Output) -> str:
    """An edit of the other side is a conflict or merged, never lost."""
    conflicts = [*output.conflicts("c57"), *output.conflicts("c58")]
    final = output.text.rpartition("$ dualwrite sync")[2]
    record = str(conflicts) + final
    return complaints(
        unless("A" in keys(conflicts), "no conflict about A is on record"),
        unless("crm" in record and "erp" in record, "an edit is in no table and on no record"),
    )


@into(JUDGES, "public/case_59")
def pooled(output: Output) -> str:
    """An application of the pool finds its own defaults."""
    return complaints(
        # the origin of a transaction is gone with it: the server keeps an empty text
        unless(re.search(r"(?m)^ *6 0 4 -?$", output.text), "our settings stay in the pool"),
        clean(output.text, 2000),
    )


@into(JUDGES, "public/case_60")
def quotes(output: Output) -> str:
    """Every text arrives as it is."""
    looks = re.findall(r"unequal by own look (\d+)", output.text)
    return complaints(
        unless(looks == ["0"] * 4, f"unequal: {', '.join(looks) or 'not shown'}"),
        *each(output, "=== ", 4),
    )


@into(JUDGES, "public/case_61")
def few_rights(output: Output) -> str:
    """Captured, also with an empty search path."""
    want = ["A | by app", "B | by app", "A | restored"]
    return unless(every(want, output.text), "a change of the role did not cross")


@into(JUDGES, "public/case_63")
def sort_orders(output: Output) -> str:
    """Nothing is lost."""
    return complaints(*each(output, "=== ", 4, 1500))


@into(JUDGES, "public/case_65")
def renumbered_parent(output: Output) -> str:
    """The old parent goes."""
    found = reconciled(output.text)
    return complaints(
        unless(found[-2:] == [(1, 0, 0, 0, 0, 0), (2, 0, 0, 0, 0, 0)], "the sides differ"),
        unless("T1 | P9" in output.text, "the children do not point at the new number"),
    )


@into(JUDGES, "public/case_69")
def maintenance(output: Output) -> str:
    """What the application does is possible or documented; `check --repair` mends."""
    last = output.text.rpartition("$ dualwrite sync")[2]
    truncated = "ERROR 1701" not in output.text
    found = {row[0]: row[1] for row in rows(last) if len(row) == 2 and row[0] in ("A", "B")}
    want = {} if truncated else {"A": "after swap", "B": "after swap"}
    check = output.steps("dualwrite check")
    return complaints(
        unless(found == want or (truncated and "delete" in last), "the sides differ"),
        unless(len(check) == 3, "check is not shown"),
        unless(check and "FAIL" not in check[-1].text.upper(), "check is not well after repair"),
    )


@into(JUDGES, "public/case_70")
def swapped_table(output: Output) -> str:
    """The check says it, and mends it."""
    last = output.text.rpartition("$ dualwrite sync")[2]
    want = {("A", "after swap"), ("B", "after swap")}
    return unless(want <= set(rows(last)), "the rebuilt table is not captured again")


@into(JUDGES, "public/case_72")
def overwritten(output: Output) -> str:
    """A count and a record."""
    run = output.steps("dualwrite run t")[-1:]
    return complaints(
        unless("A" in keys(output.conflicts("c72")), "the overwritten row is on no record"),
        unless(
            run and re.search(r"1 row had other values .* the master decided", run[0].text),
            "run does not tell how many",
        ),
    )


@into(JUDGES, "public/case_73")
def primary_keys_demanded(output: Output) -> str:
    """Works, or the check says so."""
    return _works_or_said(output, "primary key", "20 written")


@into(JUDGES, "public/case_74")
def statement_binlog(output: Output) -> str:
    """The check says so, or it works."""
    return _works_or_said(output, "binlog", "20 written")


def _works_or_said(output: Output, word: str, written: str) -> str:
    works = any(step.code == 0 and written in step.text for step in output.steps("dualwrite run"))
    said = any(word in step.text.lower() for step in output.steps("dualwrite check"))
    return unless(works or said, "it does not work, and the check does not say so")
