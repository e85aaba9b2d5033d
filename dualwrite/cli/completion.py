"""`dualwrite completion`: what a shell runs to complete commands, options and names of maps."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

ASKED = "_DUALWRITE_COMPLETE"
"""The variable by which the script asks the program what fits."""


class ShellWord(StrEnum):
    """A shell that Typer writes a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[ShellWord, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script that lets a shell complete commands, options and names of maps.

    Run one of these lines at the start of each shell.

    \b
    Examples:
      eval "$(dualwrite completion bash)"
      eval "$(dualwrite completion zsh)"
      dualwrite completion fish | source
    """
    from typer._completion_shared import get_completion_script

    # not for a reader: its lines are never broken
    script = get_completion_script(prog_name="dualwrite", complete_var=ASKED, shell=shell.value)
    sys.stdout.write(f"{script}\n")
