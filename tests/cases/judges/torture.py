"""The judges of `torture`: what is right stands in its scripts, and in the corners they led to."""

from __future__ import annotations

import json
import re

from tests.cases.judges.exact import after
from tests.cases.judges.table import Judge, into
from tests.cases.output import Output, complaints, every, unless

JUDGES: dict[str, Judge] = {}


@into(JUDGES, "torture/repro_identity")
def identity(output: Output) -> str:
    """Deletes, inserts and edits cross to a table whose identity is GENERATED ALWAYS."""
    target = dict(after(output.text, "target:") or [])
    return complaints(
        unless(target.get("NEW") == "after", "the new row did not cross"),
        unless(target.get("C2") == "edited", "the edit did not cross"),
        unless("C1" not in target, "the delete did not cross"),
        unless(after(output.text, "finops C3:") == [], "the delete of dataverse did not cross"),
    )


@into(JUDGES, "torture/repro_initial")
def initial(output: Output) -> str:
    """The master's column comes, the user's edit of another column stays."""
    wrong = []
    for code in ("k99", "k9999", "k777"):
        line = next((x for x in output.text.splitlines() if x.startswith(f"{code} ")), "")
        both = after(line, "finops"), after(line, "dataverse")
        if both != ([("crm", "user edit")],) * 2:
            wrong.append(f"{code} is {both[0]} and {both[1]}")
    return complaints(*wrong)


@into(JUDGES, "torture/t01_guard")
def guard(output: Output) -> str:
    """Nothing of an emptied table is deleted."""
    counts = re.findall(r"target holds (\d+)", output.text)
    return unless(counts == ["300000"] * 4, f"the target holds {', '.join(counts) or 'nothing'}")


@into(JUDGES, "torture/t03_restore-stop", "torture/t03_restore-live")
def restore(output: Output) -> str:
    """A restored app is noticed."""
    shown = output.after("A4 carried")
    return unless("--repair" in shown or "backup" in shown, "nobody notices the restore")


def shown(output: Output, marker: str) -> str:
    """One `show` of the scripts: from `[marker` to the next."""
    return output.text.partition(f"[{marker}")[2].partition("\n[")[0]


@into(JUDGES, "torture/t05_triggers")
def triggers(output: Output) -> str:
    """What triggers of the target do is captured, or held; one refused row stops no other."""
    wrong = []
    for marker in ("a2", "b AFTER", "e DEFERRED", "f DEFERRED", "g initial"):
        part = shown(output, marker)
        good = "differ 0" in part
        missing = marker[0] in "efg" and not every(["'A1'", "'A3'"], part.partition("datav.")[2])
        if not part or not good or missing:
            wrong.append(f"{marker}: {'differs' if part else 'is not shown'}")
    for marker in ("c BEFORE", "d BEFORE"):
        part = shown(output, marker)
        if "'A1'" not in part.partition("rejected")[2]:
            wrong.append(f"{marker}: what was swallowed is not held")
    return complaints(*wrong)


@into(JUDGES, "torture/t06_unique")
def unique(output: Output) -> str:
    """Values that move between rows cross without a retry; our own cascade is a change."""
    wrong = []
    for marker in (
        "a secondary",
        "b row deleted",
        "c email",
        "d key swap",
        "e case-only",
        "h self",
    ):
        part = shown(output, marker)
        if not re.search(r"differ 0 of 0 od 0 pending 0 held 0", part):
            wrong.append(f"{marker}: {'differs' if part else 'is not shown'}")
    twins = shown(output, "g keys equal")
    if "'k '" not in twins.partition("rejected")[2]:
        wrong.append("g: a key that is equal by collation is not held")
    return complaints(*wrong)


@into(JUDGES, "torture/t07_poison")
def poison(output: Output) -> str:
    """The good row crosses beside every odd one."""
    found = re.findall(r"(?m)^\[(\w+)\] (.*): good row crossed=(\w+)", output.text)
    stuck = [f"{pair} {what}" for pair, what, crossed in found if crossed != "True"]
    return complaints(
        unless(len(found) > 50, f"only {len(found)} values were tried"),
        unless(not stuck, f"the good row waits beside {', '.join(stuck[:5])}"),
    )


@into(JUDGES, "torture/t08_alter")
def altered(output: Output) -> str:
    """`live` goes on through every change of the schema, and all is equal after the repair."""
    states = re.findall(r"(?m)^\[(\w+) .*live=(\w+)", output.text)
    last = shown(output, "8c after repair")
    return complaints(
        unless(len(states) >= 12, "not all changes are shown"),
        unless(all(code == "None" for _, code in states), "live ended"),
        # the other edit stays held: a column there was made too narrow for its row
        unless("'A', 'rebuilt'" in last.partition(" d=")[2], "the rebuilt table is not captured"),
    )


@into(JUDGES, "torture/t09_rebuild")
def rebuilt(output: Output) -> str:
    """A rebuilt table is noticed by the worker that runs."""
    said = output.after("live None")
    return unless("--repair" in said or "trigger" in said, "nobody says what is not captured")


@into(JUDGES, "torture/t10_commitcut", "torture/t10_commitcut-mariadb")
def commit_cut(output: Output) -> str:
    """Each change is written exactly once, whatever answer is cut."""
    found = _json(output)
    twice = {side: found.get(f"written more than once on {side}") for side in "FD"}
    return complaints(
        unless(found.get("equal"), "the sides differ"),
        unless(twice == {"F": {}, "D": {}}, f"written more than once: {twice}"),
        unless(not found.get("conflicts"), "there are conflicts of nobody"),
    )


def _json(output: Output) -> dict[str, object]:
    line = next((line for line in output.text.splitlines() if line.startswith("{")), "{}")
    found: dict[str, object] = json.loads(line)
    return found


@into(JUDGES, "torture/t11_keys")
def keys(output: Output) -> str:
    """Every pair of key types is refused, held, or ends equal."""
    probes = re.split(r"(?m)^\[(\w)\] ", output.text)[1:]
    wrong = [
        tag
        for tag, text in zip(probes[::2], probes[1::2], strict=True)
        if "<<<<<<" in text and "held []" in text
    ]
    return complaints(
        unless(len(probes) == 40, f"{len(probes) // 2} of 20 pairs were tried"),
        unless(not wrong, f"neither refused, held nor equal: {', '.join(wrong)}"),
    )


@into(JUDGES, "torture/t12_values")
def values(output: Output) -> str:
    """Every value is carried exactly, held, or refused by the check; none comes back as another."""
    probes = re.split(r"(?m)^\[(\w)\] ", output.text)[1:]
    wrong = []
    for tag, text in zip(probes[::2], probes[1::2], strict=True):
        counts = re.search(r"same/differ \((\d+), (\d+)\)", text)
        back = after(text, ": f") != after(text, "whole f")
        if "held []" in text and ((counts and counts.group(2) != "0") or back):
            wrong.append(tag)
        # text that is no UTF-8: the rig's own look at the file stops at it
        rigs_own = "harness OperationalError Could not decode to UTF-8" in text
        if ("harness" in text and not rigs_own) or "'EXC'" in text:
            wrong.append(f"{tag} (a crash)")
    return complaints(
        unless(len(probes) == 104, f"{len(probes) // 2} of 52 values were tried"),
        unless(not wrong, f"bent, or different for ever: {', '.join(wrong)}"),
    )


@into(JUDGES, "torture/t13_initial", "torture/t13_initial-kill")
def initial_under_writes(output: Output) -> str:
    """Nothing is lost or left unlike, whoever writes and whatever is killed meanwhile."""
    found = _json(output)
    return complaints(
        unless(found.get("lost") == 0, f"{found.get('lost')} edits are lost"),
        unless(found.get("differ") == 0, f"{found.get('differ')} rows differ"),
    )


@into(JUDGES, "torture/t14_journal")
def journal(output: Output) -> str:
    """`live` waits for a locked journal, and says that one is gone."""
    unlocked = output.after("b unlocked:")
    return complaints(
        unless("b after 40 s of a locked journal: live rc None" in output.text, "live ended"),
        unless("locked 7" in unlocked.partition("\n")[0], "the changes did not cross"),
        unless("e open:" in output.text, "the restored journal was not tried"),
    )


@into(JUDGES, "torture/t15_write", "torture/t15_write-mariadb")
def written_together(output: Output) -> str:
    """A write to both sides is whole or not at all, whenever it is killed."""
    found = _json(output)
    wrong = [name for name in ("half", "one side only", "lost", "differ") if found.get(name)]
    left = found.get("prepared after a worker")
    return complaints(
        unless(found, "nothing was tried"),
        unless(not wrong, f"there are: {', '.join(wrong)}"),
        unless(left == {"F": 0, "D": 0}, f"prepared transactions are left: {left}"),
    )
