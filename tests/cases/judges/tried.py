"""The judges of `tried`: what is right stands in the README of the cases."""

from __future__ import annotations

import re

from tests.cases.judges.table import Judge, into
from tests.cases.output import Output, complaints, reconciled, unless

JUDGES: dict[str, Judge] = {}


@into(JUDGES, "tried/key_id")
def key_id(output: Output) -> str:
    """Every command works whatever the key columns are called."""
    queue, reconcile = output.steps("dualwrite queue"), output.steps("dualwrite reconcile")
    last = reconciled(reconcile[-1].text) if reconcile else []
    return complaints(
        unless(queue and queue[0].code == 0, "queue fails"),
        unless(len(last) == 1, "reconcile fails"),
        unless("exists 2 times" not in output.text, "a column is taken for the queue's own"),
    )


@into(JUDGES, "tried/key_names")
def key_names(output: Output) -> str:
    """As `key_id`, for every name; after edits on both sides nothing differs."""
    parts = output.parts("== key column")
    names = re.findall(r"(?m)^== key column (\S+)", output.text)
    wrong = []
    for name, part in zip(names, parts, strict=True):
        last = reconciled(part)
        if not last or last[-1][1:] != (0, 0, 0, 0, 0):
            wrong.append(name)
    return complaints(
        unless(len(parts) == 9, f"{len(parts)} of 9 names were tried"),
        unless(not wrong, f"key columns called {', '.join(wrong)} do not end equal"),
    )


@into(JUDGES, "tried/pwleak")
def pwleak(output: Output) -> str:
    """No part of the password is printed."""
    return complaints(
        unless(output.text.strip() and "not found" not in output.text, "check printed nothing"),
        unless("TopSecret" not in output.text, "a part of the password is printed"),
        unless("hunter" not in output.text, "a part of the password is printed"),
    )


@into(JUDGES, "tried/repair")
def repair(output: Output) -> str:
    """The row is repaired, and a second `reconcile` says same."""
    steps = output.steps("dualwrite reconcile")
    return complaints(
        unless(steps and steps[0].code == 0, "reconcile --repair fails"),
        unless("taken it over" not in output.text, "it takes itself for another worker"),
    )


@into(JUDGES, "tried/schema2")
def schema2(output: Output) -> str:
    """The change crosses, or `run` refuses with the cure."""
    run = output.steps("dualwrite run")
    refused = bool(run) and run[0].code != 0 and "search" in run[0].text
    crossed = output.text.rstrip().endswith("1|b")
    return unless(refused or crossed, "the change did not cross, and run did not refuse")


@into(JUDGES, "tried/stop_loses")
def stop_loses(output: Output) -> str:
    """The newer value survives, or `stop` asks with the count."""
    stop = output.steps("dualwrite stop")
    asks = bool(stop) and stop[0].code != 0 and re.search(r"\b1 ", stop[0].text)
    survives = "a|NEW, typed by a person" in output.text
    return complaints(
        unless(stop, "stop is not shown"),
        unless(asks or survives, "the newer value is lost"),
    )


@into(JUDGES, "tried/values")
def values(output: Output) -> str:
    """The good row always crosses, the bad one crosses exactly or is held with its value."""
    parts = output.parts("=== column")
    exact = {0: "2026-03-01 12:00:00.999999", 1: "infinity", 2: "infinity", 3: '{"b":1,"a":2.50}'}
    wrong = []
    for number, part in enumerate(parts):
        if "2\tgood" not in part:
            wrong.append(f"value {number + 1}: the good row did not cross")
        bad = re.search(r"(?m)^1\tbad\t(.*)$", part)
        if not bad and "1 row rejected" not in part:
            wrong.append(f"value {number + 1}: the bad row is neither there nor held")
        if bad and number < 3 and bad.group(1) != exact[number]:
            wrong.append(f"value {number + 1}: arrived as {bad.group(1)}")
        if bad and number == 3 and re.sub(r"\s", "", bad.group(1)) not in JSONS:
            wrong.append(f"value {number + 1}: arrived as {bad.group(1)}")
    return complaints(unless(len(parts) == 4, f"{len(parts)} of 4 values were tried"), *wrong)


JSONS = ('{"b":1,"a":2.50}', '{"a":2.50,"b":1}')
"""One JSON in the order of either side."""
