"""Runs processes and measures their wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A finished process: wall time in seconds, peak resident memory in megabytes, its output."""

    seconds: float
    peak_mb: float
    output: str


def run(arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> Measured:
    """Run a process to its end.

    Raises:
        RuntimeError: It failed; its last words are in the text.
    """
    read, write = os.pipe()
    begun = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=write, env={**_environment(), **(env or {})})
    os.close(write)
    with os.fdopen(read) as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        msg = f"{' '.join(arguments)} ended with {process.returncode}:\n{output[-2000:]}"
        raise RuntimeError(msg)
    # Linux counts ru_maxrss in kilobytes.
    return Measured(seconds, usage.ru_maxrss / 1024, output)


def _environment() -> dict[str, str]:
    """Our environment, with bytecode enabled as in an installed program."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def dualwrite(*arguments: str) -> Measured:
    """Run the command line in a process of its own."""
    return run([sys.executable, "-m", "dualwrite", *arguments])
