"""The Python API as markdown, from signatures and docstrings alone."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from types import FunctionType, ModuleType
from typing import Any

import dualwrite
from dualwrite.errors import DualWriteError
from dualwrite.operations import commands, queries

_SECTION = re.compile(r"^(Args|Raises|Returns):\n((?:(?: {4}.*)?\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(?! )([\w, ]+): ", re.MULTILINE)
_CODE = re.compile(r"(?:^ {4}.*\n?(?:\n(?= {4}))?)+", re.MULTILINE)


def python_api() -> str:
    """The names of the package, then every operation."""
    names = [name for name in dualwrite.__all__ if not name.startswith("__")]
    found = {name: getattr(dualwrite, name) for name in names}
    parts = ["## Functions\n"]
    parts += [_function(name, each) for name, each in found.items() if inspect.isfunction(each)]
    classes = {name: each for name, each in found.items() if inspect.isclass(each)}
    parts.append("## Classes\n")
    parts += [_class(name, each) for name, each in classes.items() if not _is_error(each)]
    parts.append("## Errors\n\n| error | is a | raised when |\n|---|---|---|")
    parts += [_error(name, each) for name, each in classes.items() if _is_error(each)]
    parts.append("\n## Operations\n\nFrom `dualwrite.operations`, with an open `Session`.\n")
    parts += [line for package in (queries, commands) for line in _operations(package)]
    return "\n".join(parts)


def _is_error(each: type) -> bool:
    return issubclass(each, DualWriteError)


def _function(name: str, function: Any, level: int = 3) -> str:
    head = f"{'#' * level} {name}\n\n```python\n{_signature(name, function)}\n```\n"
    return f"{head}\n{_markdown(function)}\n"


def _signature(name: str, function: Any) -> str:
    """On one line, or one a parameter where that would be too long."""
    signature = inspect.signature(function)
    given: list[str] = []
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        given.append(_parameter(each))
    gives = signature.return_annotation
    if hasattr(function, "__wrapped__"):  # a generator that became a context manager
        gives = gives.replace("Iterator", "AbstractContextManager", 1)
    line = f"{name}({', '.join(given)}) -> {gives}"
    return (
        line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(given) + f",\n) -> {gives}"
    )


def _parameter(parameter: inspect.Parameter) -> str:
    text, default = parameter.name, parameter.default
    if parameter.annotation is not parameter.empty:
        text += f": {parameter.annotation}"
    if default is parameter.empty:
        return text
    return f"{text} = {default if isinstance(default, Enum) else repr(default)}"


def _markdown(documented: Any) -> str:
    """A docstring: its lists of arguments and errors as lists, its examples as Python."""
    text = inspect.cleandoc(documented.__doc__ or "")
    text = _SECTION.sub(lambda each: f"{each[1]}:\n\n{_list(each[2])}\n", text)
    text = _CODE.sub(lambda each: f"```python\n{inspect.cleandoc(each[0])}\n```\n", text)
    return text.strip()


def _list(entries: str) -> str:
    names = _ENTRY.sub(lambda each: f"- `{each[1].replace(', ', '`, `')}`: ", entries.rstrip())
    return re.sub(r"\n {8,}", " ", names)


def _class(name: str, each: type) -> str:
    parts = [f"### {name}\n\n{_markdown(each)}\n"]
    if issubclass(each, Enum):
        parts.append("Values: " + ", ".join(f"`{name}.{member.name}`" for member in each) + ".\n")
    fields = getattr(each, "__dataclass_fields__", {})
    members = {n: inspect.getattr_static(each, n) for n in _own(each) if n not in fields}
    described = _attributes(each)
    rows = [
        f"| `{n}` | `{field.type}` | {described.get(n, '')} |"
        for n, field in fields.items()
        if not n.startswith("_")
    ]
    rows += [
        f"| `{n}` | `{inspect.signature(member.fget).return_annotation}` | {_first(member)} |"
        for n, member in members.items()
        if isinstance(member, property)
    ]
    if rows:
        parts.append("\n".join(["| attribute | type | is |\n|---|---|---|", *rows]) + "\n")
    parts += [
        _function(f"{name}.{n}", getattr(each, n), 4)
        for n, member in members.items()
        if isinstance(member, FunctionType | classmethod)
    ]
    return "\n".join(parts)


def _attributes(each: type) -> dict[str, str]:
    """The texts that stand below attributes."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for field, text in pairwise(made.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = re.sub(r"\s+", " ", ast.literal_eval(text.value))
    return found


def _own(each: type) -> list[str]:
    return [n for n in vars(each) if not n.startswith("_")]


def _error(name: str, each: type) -> str:
    return f"| `{name}` | `{each.__bases__[0].__name__}` | {_first(each)} |"


def _first(documented: Any) -> str:
    """The first paragraph of a docstring, as a cell of a table."""
    first = inspect.cleandoc(documented.__doc__ or "").partition("\n\n")[0]
    return re.sub(r"\s+", " ", first).replace("|", "\\|")


def _operations(package: ModuleType) -> Iterator[str]:
    kind = package.__name__.rpartition(".")[2]
    yield f"### {kind.capitalize()}\n\n{_markdown(package)}\n"
    yield "| operation | gives | does |\n|---|---|---|"
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or function.__module__ != module.__name__:
                continue
            gives = str(inspect.signature(function).return_annotation).replace("|", "\\|")
            yield f"| `{kind}.{info.name}.{name}` | `{gives}` | {_first(function)} |"
    yield ""
