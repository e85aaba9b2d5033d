"""The graph of imports between our files, read from their syntax trees.

Every import counts, those inside of functions and under `TYPE_CHECKING` too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("dualwrite", "expectations", "tasks", "flows")

Graph = Mapping[str, frozenset[str]]
"""The modules that each module imports."""


def import_graph(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> Graph:
    files = {
        _module(file.relative_to(root)): file
        for package in packages
        for file in sorted((root / package).rglob("*.py"))
    }
    return {
        module: frozenset(name for name in _imported(module, file, files) if name != module)
        for module, file in files.items()
    }


def circles(graph: Graph) -> list[frozenset[str]]:
    """The largest sets of modules that all reach each other, by Tarjan's algorithm."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_modules: list[str] = []
    found: list[frozenset[str]] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        open_modules.append(module)
        for other in graph[module]:
            if other not in numbers:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in open_modules:
                lowest[module] = min(lowest[module], numbers[other])
        if lowest[module] == numbers[module]:
            start = open_modules.index(module)
            circle = frozenset(open_modules[start:])
            del open_modules[start:]
            if len(circle) > 1:
                found.append(circle)

    for module in graph:
        if module not in numbers:
            visit(module)
    return found


def _module(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(module: str, file: Path, files: Mapping[str, Path]) -> Iterator[str]:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                named = [alias.name for alias in names]
            case ast.ImportFrom(source, names, level):
                base = ".".join(package.split(".")[: len(package.split(".")) + 1 - level])
                base = ".".join(filter(None, (base if level else "", source)))
                named = [f"{base}.{alias.name}" for alias in names]
                named = [name if name in files else base for name in named]
            case _:
                continue
        yield from (name for name in named if name in files)
