"""What a check found in a table map, and the error that carries it.

A *finding* is data, not an exception: reading and checking gather all of them, so that
a person corrects a map in one go.  `MapError` is raised only by who needs a whole map.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dualwrite.errors import PermanentError
from dualwrite.tablemap.codes import CODES, Severity
from dualwrite.tablemap.model import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a map: what, where, and how to correct it."""

    code: str
    severity: Severity
    message: str
    place: Place | None
    cure: str
    map: str

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        map_name: str,
        place: Place | None = None,
        cure: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding with the severity and the cure of its code where none is given."""
        about = CODES[code]
        return cls(code, severity or about.severity, message, place, cure or about.cure, map_name)

    def __str__(self) -> str:
        where = str(self.place) if self.place else self.map
        word = " warning:" if self.severity == "warning" else ""
        return f"{where}: {self.code}{word} {self.message}\n  {self.cure}"


class MapError(PermanentError):
    """A table map cannot be used; the message has every reason."""

    def __init__(self, map_name: str, findings: Sequence[Finding]) -> None:
        self.map, self.findings = map_name, tuple(findings)
        count = len(self.findings)
        faults = "1 fault" if count == 1 else f"{count} faults"
        blocks = "\n\n".join(str(finding) for finding in self.findings)
        super().__init__(f"{map_name}: {faults} in the map. Nothing was run.\n\n{blocks}")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By place in the file, each once."""

    def where(finding: Finding) -> tuple[str, int, str, str]:
        place = finding.place
        file, line = (str(place.file), place.line) if place else ("", 0)
        return (file, line, finding.code, finding.message)

    return sorted(dict.fromkeys(findings), key=where)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? known: x, y`, or only the second half where nothing is near."""
    names = sorted(known)
    near = near_names(word, names)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    shown = ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
    return f"{hint}known: {shown}"


def near_names(word: str, known: Iterable[str], count: int = 2) -> tuple[str, ...]:
    """The known names that look most like `word`, upper and lower case alike."""
    by_fold = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=count, cutoff=0.6)
    return tuple(by_fold[name] for name in found)
