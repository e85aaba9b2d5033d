"""The judges of `corners`: what is right stands in the README beside each."""

from __future__ import annotations

import re

from tests.cases.judges.table import Judge, into
from tests.cases.output import Output, clean, complaints, every, unless

JUDGES: dict[str, Judge] = {}


def exits(output: Output) -> list[str]:
    """The exit codes that a corner shows by `(exit N)`, in their order."""
    return re.findall(r"\(exit (\d+)", output.text)


@into(JUDGES, "corners/async-commit")
def async_commit(output: Output) -> str:
    """Our writes set the durable mode, or the check warns."""
    modes = re.findall(r"(?m)^A\|(\w+)$", output.after("--- with which"))
    durable = bool(modes) and set(modes) <= {"on", "remote_apply", "remote_write", "local"}
    warned = "synchronous_commit" in output.text.partition("--- with which")[0]
    return unless(durable or warned, f"written with {', '.join(modes) or 'nothing'}")


@into(JUDGES, "corners/binary-key")
def binary_key(output: Output) -> str:
    """Such a key works, or the check refuses it with the true reason."""
    codes = exits(output)
    refused = codes[:1] == ["1"] and re.search(r"bytea|binary", output.text.lower())
    works = codes == ["0", "0"]
    return complaints(
        unless(works or refused, "it neither works nor is refused by the check"),
        unless("has no primary key and no unique" not in output.text, "the reason is wrong"),
    )


@into(JUDGES, "corners/char-blanks")
def char_blanks(output: Output) -> str:
    """Held, or equal and said by the check; the source keeps its blanks."""
    first = output.text.partition("--- a second")[0]
    held = "two blanks" in first and "row rejected" in first
    equal = not clean(first, 1) and "blank" in first
    return complaints(
        unless(held or equal, "neither held nor equal"),
        unless("[two blanks  ]" in output.text, "the source lost its blanks"),
    )


@into(JUDGES, "corners/deferred-constraint")
def deferred_constraint(output: Output) -> str:
    """The bad row is held, the good rows and the other map go on."""
    first = output.after("--- what crossed", "--- each map alone")
    want = ["items|A1|g", "items|A3|g", "others|O1|x"]
    return complaints(
        unless(every(want, first), "good rows or the other map did not cross"),
        unless("no such group" not in first, "the bad row is there"),
        unless("dataverse.?" not in output.text, "the message names no table"),
        unless("row rejected" in output.after("--- live", "--- what crossed"), "A2 is not held"),
    )


@into(JUDGES, "corners/delete-guard-large")
def delete_guard(output: Output) -> str:
    """The guard counts all deletes, before the first is carried."""
    counts = re.findall(r"d\.db \((\d+),\)", output.after("--- the ERP loses"))
    return unless(counts == ["1100000", "1100000"], f"rows left: {', '.join(counts) or 'none'}")


@into(JUDGES, "corners/float-key")
def float_key(output: Output) -> str:
    """Refused by the check, or held; no row vanishes, none comes twice."""
    rows = re.findall(r"(?m)^ +f \(([^,]*), ", output.after("--- a user of dataverse"))
    return unless(sorted(rows) == ["0.1", "0.5"], f"finops has {', '.join(rows) or 'no row'}")


@into(JUDGES, "corners/flow-counts-conflicts")
def flow_counts(output: Output) -> str:
    """Counts and records agree."""
    told = re.search(r"(\d+) in conflict", output.text)
    overwritten = re.search(r"(\d+)[^.\n]*overw", output.text)
    record = len(output.conflicts("corner-flow-counts-conflicts"))
    count = int((told or overwritten).group(1)) if told or overwritten else -1
    return unless(count == record, f"the flow tells {count}, on record are {record}")


@into(JUDGES, "corners/frozen-worker")
def frozen_worker(output: Output) -> str:
    """A frozen worker loses its locks; a second `live` waits on."""
    seen = re.findall(r"after \d+ s: second live ([\w ]+); ", output.text)
    second = output.after("second live: exit", "first live, woken")
    return complaints(
        unless(seen, "nothing was tried"),
        unless(all(there == "is there" for there in seen), "the second live has ended"),
        unless(second.startswith(" 0") and "1 to dataverse" in second, "nothing went on"),
    )


@into(JUDGES, "corners/journal-locked")
def journal_locked(output: Output) -> str:
    """`live` waits and goes on."""
    crossed = output.after("live is still there", "(exit")
    return complaints(
        unless("live is still there after 60 s" in output.text, "live ended"),
        unless("while the journal is away" in crossed, "the change did not cross by itself"),
    )


@into(JUDGES, "corners/mariadb-names-by-case")
def names_by_case(output: Output) -> str:
    """The second project runs."""
    return unless(exits(output) == ["0", "0"], "one of the two projects does not run")


@into(JUDGES, "corners/renamed-key-own-columns")
def renamed_key_own_columns(output: Output) -> str:
    """A changed key is an update of the row."""
    last = output.after("--- after")
    want = ["(1, 'C1-new', 'one', 'ten years of notes')", "(1, 1, 'visit 1')"]
    return unless(every(want, last), "the row lost its identity, notes or visits")


@into(JUDGES, "corners/renamed-key-unique")
def renamed_key_unique(output: Output) -> str:
    """Both states cross without a retry."""
    first = output.after("only its key changes", "--- more cycles")
    second = output.after("--- the same by delete", "--- a retry")
    return complaints(
        unless("'C1-new', 'one@x', 'own notes" in first, "the renamed row did not cross whole"),
        unless("'C4', 'two@x'" in second, "the row with the freed address did not cross"),
    )


@into(JUDGES, "corners/resolve-race")
def resolve_race(output: Output) -> str:
    """The version that was to win is in a table or on record."""
    there = output.text.count("still there or on record")
    return unless(there == 5, f"{there} of 5 versions are there; the next is lost")


@into(JUDGES, "corners/restored-target")
def restored_target(output: Output) -> str:
    """A restored app is noticed by the next cycle."""
    first = output.after("--- dataverse is restored", "--- a later edit")
    return complaints(
        unless("backup" in first or "restored" in first.partition("(exit")[0], "nobody notices"),
        unless(re.search(r"check .*--repair", first), "the cure is not named"),
    )


@into(JUDGES, "corners/self-cascade")
def self_cascade(output: Output) -> str:
    """What our own delete took along comes back as a change, or the check refuses."""
    refused = exits(output)[:1] == ["1"]
    return unless(refused or not clean(output.text), clean(output.text))


@into(JUDGES, "corners/silent-network")
def silent_network(output: Output) -> str:
    """`status` says it, the change crosses when the network is back, SIGTERM ends `live`."""
    silent = output.after(" s later", "--- the network is back")
    back = output.after("--- the network is back")
    return complaints(
        unless(re.search(r"answer|connect|timed? ?out", silent), "nobody says that there is none"),
        unless("C|after the network went silent" in back, "the change did not cross"),
        unless(back and "does not end on SIGTERM" not in back, "live does not end on SIGTERM"),
    )


@into(JUDGES, "corners/two-maps-echo")
def two_maps(output: Output) -> str:
    """Our own write through a sister map is no change of a user; or the check says it."""
    first = output.after("=== 1.", "=== 2.")
    found = re.findall(r"\('k1', '([^']*)'\)", first)
    said = re.search(r"DW\d+ [a-z]+: .*\bm2\b", first)
    lost = re.search(r"own table: (\d+)", output.text)
    return complaints(
        unless(found == ["v2, the newest edit"] * 2 or said, f"k1 holds {', '.join(found)}"),
        unless(lost and (lost.group(1) == "0" or said), "an older value came back over a newer"),
        unless("on record: []" in output.text or said, "conflicts of nobody are on record"),
    )


@into(JUDGES, "corners/update-swallowed")
def update_swallowed(output: Output) -> str:
    """Fewer rows written than sent is a refusal, with its reason."""
    first = output.after("--- dataverse takes no change", "--- control")
    return complaints(
        unless("row rejected" in first or "1 held" in first, "A is not held"),
        unless(output.text and "are there already" not in output.text, "the reason is wrong"),
    )
