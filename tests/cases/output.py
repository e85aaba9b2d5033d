"""What a case printed, in the pieces by which it is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    NOT_JUDGED = "not judged"


CRASHES = (
    "A fault in dualwrite itself",
    "fault of ours",
    "not understood by the app",
    "OverflowError",
    "UnicodeDecodeError",
)
"""What no case may print."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a case: what was typed, what it printed, its exit code where that is shown."""

    command: str
    text: str
    code: int | None


@dataclass(frozen=True, slots=True)
class Output:
    """All that a case printed, and what its projects hold afterwards.

    Attributes:
        text: Both streams, as they came.
        seconds: How long it took.
        code: The exit code; None where it did not end within its limit.
        projects: By the folder's name, the JSON of `errors`, `conflicts --all` and `status`.
    """

    text: str
    seconds: float = 0.0
    code: int | None = 0
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def after(self, marker: str, until: str | None = None) -> str:
        """The text that follows a marker, up to another; empty where the marker is not there."""
        found = self.text.partition(marker)[2] if marker in self.text else ""
        return found.partition(until)[0] if until else found

    def parts(self, pattern: str) -> list[str]:
        """The text between the lines that match a pattern; what precedes the first is left out.

        The line below a table's heads is none of them; a case may put dashes before.
        """
        return re.split(rf"(?m)^(?!-[- ]*$)(?:--- )?{pattern}.*$", self.text)[1:]

    def steps(self, beginning: str = "") -> list[Step]:
        """The commands that the case shows by `$ ...`, or those that begin so."""
        found = []
        for piece in re.split(r"(?m)^\$ ", self.text)[1:]:
            command, _, rest = piece.partition("\n")
            ended = re.search(r"\[rc[ =](\d+)\]", rest)
            text = rest[: ended.start()] if ended else rest
            found.append(Step(command, text, int(ended.group(1)) if ended else None))
        return [step for step in found if step.command.startswith(beginning)]

    def held(self, project: str) -> list[dict[str, Any]]:
        """The held rows of a project, after the case."""
        errors = self.projects.get(project, {}).get("errors", {})
        return [*errors.get("rejected", []), *errors.get("parked", [])]

    def conflicts(self, project: str) -> list[dict[str, Any]]:
        """The conflicts on record of a project, after the case."""
        found: list[dict[str, Any]] = (
            self.projects.get(project, {}).get("conflicts", {}).get("conflicts", [])
        )
        return found

    def crashed(self) -> str:
        """The first line that shows a crash, empty where there is none."""
        for line in self.text.splitlines():
            if any(word in line for word in CRASHES):
                return line.strip()
        for trace in self.text.split("Traceback (most recent call last)")[1:]:
            # a script of the case may fail by itself, or with what a driver says to it
            raised = re.search(r"(?m)^([\w.]+): ", trace)
            drivers = raised is not None and raised.group(1).endswith(".OperationalError")
            if "/dualwrite/" in trace.partition("\n---")[0][:3000] and not drivers:
                return "Traceback (most recent call last)"
        return ""


def complaints(*said: str) -> str:
    """Those of the complaints that are there, in one line."""
    return "; ".join(word for word in said if word)


def unless(holds: object, complaint: str) -> str:
    """The complaint, where what should hold does not."""
    return "" if holds else complaint


def rows(text: str) -> list[tuple[str, ...]]:
    """Rows of `a | b | c` (psql, and the cases' own print of SQLite) or of MariaDB's boxes."""
    found = []
    for line in text.splitlines():
        if "|" not in line:
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        found.append(tuple(cells))
    return found


def every(words: Iterable[str], text: str) -> bool:
    """Whether the text has all of the words."""
    return all(word in text for word in words)


def reconciled(text: str) -> list[tuple[int, ...]]:
    """Each line of `reconcile`: same, differ, only here, only there, pending, held."""
    found = re.findall(r"(?m)^\S+" + 6 * r" +([\d,]+)" + " *$", text)
    return [tuple(int(number.replace(",", "")) for number in line) for line in found]


def clean(text: str, same: int | None = None) -> str:
    """What the last `reconcile` of the text complains of."""
    found = reconciled(text)
    if not found:
        return "no reconcile is shown"
    if any(found[-1][1:]) or (same is not None and found[-1][0] != same):
        names = ("same", "differ", "only finops", "only dataverse", "pending", "held")
        counts = zip(names, found[-1], strict=True)
        return "reconcile: " + ", ".join(f"{name} {count}" for name, count in counts if count)
    return ""


def keys(held: Iterable[dict[str, Any]]) -> set[str]:
    """The keys of held rows or conflicts, each as one word."""
    found = (row.get("key") for row in held)
    return {
        "/".join(str(part) for part in (key.values() if isinstance(key, dict) else [key]))
        for key in found
    }
