"""Whether table maps are sound: by themselves, and against the tables of both apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.errors import ConfigError
from dualwrite.link import FILE_NAME, Link, Side, load_link
from dualwrite.operations.mapchecks import chosen_maps, file_findings, findings_of
from dualwrite.operations.results import QueryResult
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.findings import Finding, MapError
from dualwrite.tablemap.reading import read_map


@dataclass(frozen=True, slots=True)
class CheckedMaps(QueryResult):
    """The maps that were checked, and all findings."""

    checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings forbid to run a map."""
        return sum(each.severity == "error" for each in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """`checked` and `findings`."""
        return {
            "checked": list(self.checked),
            "findings": [_finding_dict(each) for each in self.findings],
        }


def maps_to_check(project: Path, targets: Sequence[str] = ()) -> tuple[str, ...]:
    """The maps that a check covers: those named in `targets`, or those that run and the own ones.

    None where the project has no `dualwrite.toml`, or one at fault: the check says so.

    Raises:
        UnknownMapError: A target is not a map.
        TransientError, PermanentError: From the journal.
    """
    try:
        link = load_link(project)
    except ConfigError:
        return ()
    return tuple(chosen_maps(Catalogue.load(project / "maps"), link, targets))


def check_maps(project: Path, targets: Sequence[str] = ()) -> CheckedMaps:
    """Check maps by name or by file; without targets those that run and the project's own.

    Inside a project a map that is named is also checked against the tables of both apps.
    Outside one, and by file, only the file is.

    Raises:
        UnknownMapError: A target is neither a file nor a map.
        ConfigError, TransientError, PermanentError: The project or an app is at fault.
    """
    catalogue = Catalogue.load(project / "maps")
    files = [Path(target) for target in targets if target.endswith((".yaml", ".yml"))]
    names = [target for target in targets if Path(target) not in files]
    found = [each for file in files for each in _read_findings(file)]
    checked = [file.stem for file in files]
    if not (files and not names):
        if project == Path() and not (project / FILE_NAME).exists():
            names = names or list(catalogue.names())
            found += [each for name in names for each in file_findings(catalogue, name)]
        else:
            link = load_link(project)
            names = chosen_maps(catalogue, link, names)
            found += _findings(catalogue, link, names)
    return CheckedMaps((*checked, *names), tuple(found))


def _findings(catalogue: Catalogue, link: Link, names: Sequence[str]) -> list[Finding]:
    apps: dict[Side, App] = {}
    try:
        for side in Side:
            apps[side] = open_app(side, link.apps[side].url)
        return [each for name in names for each in findings_of(catalogue, name, link, apps)]
    finally:
        for app in apps.values():
            app.close()


def _read_findings(file: Path) -> list[Finding]:
    try:
        read_map(file)
    except MapError as error:
        return list(error.findings)
    return []


def _finding_dict(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "map": finding.map,
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "cure": finding.cure,
        "file": None if place is None else str(place.file),
        "line": None if place is None else place.line,
    }
