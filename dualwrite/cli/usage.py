"""Messages for wrong usage, in the form of every other refusal: subject first, then what to type.

Typer prints `Error: Invalid value for '--master': Value error, ...`; its exceptions hold what a
person needs, so the message is composed here.
"""

from __future__ import annotations

from typer._click.exceptions import (
    BadParameter,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)

__all__ = ["UsageError", "usage_text"]


def usage_text(error: UsageError) -> str:
    """What is wrong with a command line, how the command is used, and where to read more."""
    if isinstance(error, NoArgsIsHelpError):
        return error.message
    if error.ctx is None:
        return f"{_fault(error)}\n  More: dualwrite --help"
    name = error.ctx.command_path
    return f"{name}: {_fault(error)}\n  {error.ctx.get_usage()}\n  More: {name} --help"


def _fault(error: UsageError) -> str:
    match error:
        case MissingParameter(param=param) if param is not None:
            return f"{param.get_error_hint().strip(chr(39))} is missing"
        case BadParameter(param=param) if param is not None:
            reason = error.message.removeprefix("Value error, ")
            return (
                f"{param.get_error_hint().strip(chr(39))}: "
                f"{reason[:1].lower()}{reason[1:].rstrip('.')}"
            )
        case NoSuchOption():
            near = " or ".join(error.possibilities or ())
            return (
                f"there is no option {error.option_name}{f'. Did you mean {near}?' if near else ''}"
            )
        case _:
            return error.message.replace("No such command", "there is no command").rstrip(".")
