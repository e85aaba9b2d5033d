"""Which cases a folder holds, and how each is run.

The cases lie outside of the repository (`../shared/cases`): shell and Python scripts, written
against fixed ports and paths.  What such a script needs to be run by itself stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = ("tried", "exact", "corners", "public", "torture")
LIMIT = 240.0
"""Seconds that a case may take where `LIMITS` has none."""
LIMITS: Mapping[str, float] = {
    "public/case_51": 900,
    "public/case_37": 420,
    "public/case_36": 360,
    "torture/t14_journal": 480,
    "torture/t12_values": 420,
    "torture/t07_poison": 420,
}
ARGUMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "torture/t01_guard": {"": ("300000",)},
    "torture/t03_restore": {"-stop": ("stop",), "-live": ("live",)},
    "torture/t07_poison": {"": ("pgpg", "pgmy")},
    "torture/t10_commitcut": {"": ("pgc,pgd", "20"), "-mariadb": ("pgc,maria2", "20")},
    "torture/t13_initial": {
        "": ("pgc,pgd", "4000", "finops"),
        "-kill": ("pgc,maria2", "4000", "dataverse", "kill"),
    },
    # "d" fills a disk that it mounts, for which the journal's address is not filled in
    "torture/t14_journal": {"": ("a", "b", "c", "e")},
    "torture/t15_write": {"": ("pgc,pgd", "15"), "-mariadb": ("maria2,pgd", "15")},
}
"""The arguments of the scripts that want some; each set is a case, named by its ending."""
PROGRAMS: Mapping[str, str] = {
    "public/case_59": "pgbouncer",
    "public/case_51": "curl",
}
"""Programs, beside the clients of the databases, without which a case cannot be run."""
CLIENTS = ("bash", "psql", "mariadb", "mariadbd", "sqlite3", "openssl", "setpriv")


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, and how it is run within a copy of the folder of all cases.

    Attributes:
        script: The file, relative to the folder of all cases.
        arguments: What the script is given.
        limit: In seconds.
    """

    name: str
    script: Path
    arguments: tuple[str, ...]
    limit: float

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]


def find(folder: Path) -> list[Case]:
    """All cases of the folder, in the order of `KINDS` and of their names."""
    return [case for kind in KINDS for case in sorted(_of(folder, kind), key=lambda c: c.name)]


def chosen(cases: list[Case], names: list[str]) -> list[Case]:
    """The cases that the names mean: a name, with or without its kind, or the beginning of some.

    Raises:
        LookupError: A name means none.
    """
    if not names:
        return cases
    found: dict[str, Case] = {}
    for name in names:
        exact = [case for case in cases if name in (case.name, case.name.partition("/")[2])]
        meant = exact or [
            case
            for case in cases
            if case.name.startswith(name) or case.name.partition("/")[2].startswith(name)
        ]
        if not meant:
            raise LookupError(f"no case is called {name}; --list shows their names")
        found.update({case.name: case for case in meant})
    return [case for case in cases if case.name in found]


def _of(folder: Path, kind: str) -> Iterator[Case]:
    patterns = {
        "public": "case_*/run.sh",
        "corners": "*/run.sh",
        "tried": "*.sh",
        "exact": "case_*.py",
        "torture": "*.py",
    }
    for path in sorted((folder / kind).glob(patterns[kind])):
        script = path.relative_to(folder)
        if path.name == "run.sh":
            yield _case(f"{kind}/{path.parent.name}", script)
        elif kind == "exact" or (kind == "tried" and path.name != "lib.sh"):
            yield _case(f"{kind}/{path.stem}", script)
        elif kind == "torture" and path.stem.startswith(("repro_", "t0", "t1", "t2")):
            name = f"{kind}/{path.stem}"
            for ending, arguments in ARGUMENTS.get(name, {"": ()}).items():
                yield Case(name + ending, script, arguments, LIMITS.get(name, LIMIT))


def _case(name: str, script: Path) -> Case:
    return Case(name, script, (), LIMITS.get(name, LIMIT))
