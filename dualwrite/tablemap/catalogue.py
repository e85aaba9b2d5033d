"""The maps of a project: the standard ones, replaced by its own of the same name.

A map is read when it is needed, since its file has its name: listing costs no
parsing.  A file at fault stops no other; its findings wait until they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dualwrite.errors import PermanentError
from dualwrite.link import Side
from dualwrite.tablemap.findings import Finding, MapError, in_order, near_names
from dualwrite.tablemap.model import Place, TableMap
from dualwrite.tablemap.reading import read_map

_VALUES = "values"


class UnknownMapError(PermanentError):
    """There is no map of that name."""

    def __init__(self, name: str, near: tuple[str, ...] = ()) -> None:
        self.name, self.near = name, near
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(
            f"there is no map {name!r}.{hint} Nothing was run.\n"
            "  List the maps with: dualwrite maps"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a map comes from."""

    name: str
    file: Path
    is_standard: bool
    rivals: tuple[Path, ...] = ()
    """Other files of the same folder that hold a map of this name: a fault."""


@dataclass(slots=True)
class Catalogue:
    """All maps of a project, by name."""

    entries: dict[str, Entry]
    values_dirs: tuple[Path, ...]
    """Where shared value maps are looked for, the project's own first."""
    _read: dict[str, TableMap | MapError] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, user_dir: Path | None, standard_dir: Path | None = None) -> Catalogue:
        """List the maps of a project; no map is read yet.

        `user_dir` is the project's `maps/`, which need not exist; `standard_dir` is
        there for tests.
        """
        standard = standard_maps_dir() if standard_dir is None else standard_dir
        entries = _listed(standard, is_standard=True)
        if user_dir:
            entries |= _listed(user_dir, is_standard=False)
        folders = (user_dir, standard) if user_dir else (standard,)
        return cls(dict(sorted(entries.items())), tuple(folder / _VALUES for folder in folders))

    def names(self) -> tuple[str, ...]:
        """The names of all maps, valid or not, sorted."""
        return tuple(self.entries)

    def entry(self, name: str) -> Entry:
        """Where a map comes from.

        Raises:
            UnknownMapError: There is none of that name (near names are offered).
        """
        found = self.entries.get(name)
        if found is None:
            raise UnknownMapError(name, near_names(name, self.entries))
        return found

    def get(self, name: str) -> TableMap:
        """The map of that name.

        Raises:
            UnknownMapError: There is none.
            MapError: Its file is at fault.
        """
        entry = self.entry(name)
        if name not in self._read:
            self._read[name] = self._attempt(entry)
        found = self._read[name]
        if isinstance(found, MapError):
            raise MapError(found.map, found.findings)
        return found

    def __iter__(self) -> Iterator[TableMap]:
        """The valid maps, by name; `findings` has the faults of the others."""
        for name in self.entries:
            try:
                yield self.get(name)
            except MapError:
                continue

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def findings(self) -> list[Finding]:
        """What is wrong with the files at fault, by file."""
        for _ in self:
            pass
        broken = (found for found in self._read.values() if isinstance(found, MapError))
        return in_order(finding for error in broken for finding in error.findings)

    def maps_writing(self, side: Side, table: str) -> tuple[str, ...]:
        """The valid maps that write rows into `table` of `side`."""
        return tuple(
            found.name
            for found in self
            if found.end(side).table.casefold() == table.casefold() and found.flows_from(side.other)
        )

    def shared_values(self, name: str) -> Path | None:
        """The file of a shared value map, the project's own before the standard one."""
        files = (folder / f"{name}.yaml" for folder in self.values_dirs)
        return next((file for file in files if file.is_file()), None)

    def _attempt(self, entry: Entry) -> TableMap | MapError:
        if entry.rivals:
            others = " and ".join(str(path) for path in entry.rivals)
            message = f"the map {entry.name!r} is in {others} too"
            place = Place(entry.file, 1)
            finding = Finding.of("DW1124", message, map_name=entry.name, place=place)
            return MapError(entry.name, [finding])
        try:
            return read_map(entry.file, self.shared_values)
        except MapError as error:
            return error


def standard_maps_dir() -> Path:
    """The folder of the standard maps: in the wheel inside the package, else beside it."""
    package = Path(__file__).parents[1]
    inside = package / "maps"
    return inside if inside.is_dir() else package.parent / "maps"


def _listed(folder: Path, *, is_standard: bool) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for file in sorted(folder.rglob("*.yaml")):
        inside = file.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        if is_hidden or _VALUES in inside.parts[:-1] or file.name.endswith(".cases.yaml"):
            continue
        known = found.get(file.stem)
        if known is None:
            found[file.stem] = Entry(file.stem, file, is_standard)
        else:
            rivals = (*known.rivals, file)
            found[file.stem] = Entry(file.stem, known.file, is_standard, rivals=rivals)
    return found
