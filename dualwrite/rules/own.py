"""Rules of the user's own: classes in the `expectations/` folder of a project.

    # expectations/addresses.py
    @dataclass(frozen=True)
    class NoPoBox(Rule):
        name: ClassVar[str] = "no_po_box"
        column: str = ""
        ...

A file is run only where a map expects something that it defines: what it defines is read
off its text first.  No other folder is looked into.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.rules.rule import Rule

FOLDER = "expectations"


class OwnCodeError(PermanentError):
    """A file of the user's own cannot be run, or has no such class."""

    def __init__(self, *, file: Path, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(
            f"{file}: {reason}. Nothing was written.\n"
            "  Correct the file, or take what it defines out of the map's `expect:`."
        )


@dataclass(frozen=True)
class Own(Rule):
    """The rule `type` that `file` defines, with its `options` as JSON; `column` comes first."""

    name: ClassVar[str] = "own"

    type: str = ""
    column: str = ""
    options: str = "{}"
    file: str = ""

    @cached_property
    def _rule(self) -> Rule:
        kind = load_class(Path(self.file), self.type)
        rule: Rule = kind.from_kwargs(json.loads(self.options) | {"severity": self.severity})
        return rule

    @property
    def called(self) -> str:
        return self._rule.name

    @property
    def columns(self) -> tuple[str, ...]:
        return self._rule.columns

    @property
    def about(self) -> str:
        return self._rule.about

    @property
    def cure(self) -> str:
        return self._rule.cure

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return self._rule.failing(table)

    def evidence(self, table: pa.Table, rows: pa.Array) -> list[dict[str, Any]]:
        return self._rule.evidence(table, rows)

    def reason(self, row: Mapping[str, Any], /) -> str:
        return self._rule.reason(row)


@dataclass(frozen=True, slots=True)
class Defined:
    """A class that a file of the folder defines."""

    file: Path
    type: str
    called: str
    """The rule's name, or the class's own where it has none."""


def defined_in(project: Path) -> dict[str, Defined]:
    """What the Python files of the folder define, by the names that a map may use; none is run.

    Raises:
        OwnCodeError: A file is no Python.
    """
    found: dict[str, Defined] = {}
    for file in sorted((project / FOLDER).glob("*.py")):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            raise OwnCodeError(file=file, reason=f"cannot be read: {error}") from error
        for each in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            called = next(_names(each), each.name)
            defined = Defined(file, each.name, called)
            found |= {each.name: defined, called: defined}
    return found


def _names(node: ast.ClassDef) -> Iterator[str]:
    """The value of `name` in the body of a class."""
    for step in node.body:
        match step:
            case ast.AnnAssign(target=ast.Name(id="name"), value=ast.Constant(value=str() as text)):
                yield text
            case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str() as text)):
                yield text
            case _:
                pass


def load_class(file: Path, type_: str) -> Any:
    """The class of that name in a file, which is run once.

    Raises:
        OwnCodeError: The file fails.
    """
    return getattr(_module(file, file.stat().st_mtime_ns), type_)


@lru_cache(maxsize=256)
def _module(file: Path, changed: int) -> Any:
    del changed
    name = f"dualwrite_expectations_{file.stem}"
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a file of the user's may raise anything
        reason = f"cannot be run: {type(error).__name__}: {error}"
        raise OwnCodeError(file=file, reason=reason) from error
    return module
