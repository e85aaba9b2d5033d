"""Functions of the user's own that a map names: `module:function`.

A module is found where Python finds any, and last in the project folder, so no file there
hides a module of Python's or of ours.  Nothing is imported when a map is read: only a
check, and the run that needs it, load what another person wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


class FunctionError(Exception):
    """A function cannot be loaded; the text has the reason."""


def find_beside(project: Path) -> None:
    """Let modules beside dualwrite.toml be found, from now on."""
    folder = str(project.resolve())
    if folder not in sys.path:
        sys.path.append(folder)


def load_function(name: str) -> Callable[..., Any]:
    """The function that `module:function` names.

    Raises:
        FunctionError: There is no such module, it fails, or it has no such function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function, None)
    except Exception as error:  # a module of the user's may raise anything
        reason = f"{type(error).__name__}: {error}"
        raise FunctionError(reason) from error
    if not callable(found):
        reason = f"{module} has no function {function!r}"
        raise FunctionError(reason)
    checked: Callable[..., Any] = found
    return checked


def functions_of(options: Any) -> tuple[str, ...]:
    """The functions that the options of a `python` transform name."""
    return tuple(options.values()) if isinstance(options, dict) else (options,)
