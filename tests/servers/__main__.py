"""`python -m tests.servers COMMAND ...`: run a command whose test runs share their servers."""

from __future__ import annotations

import subprocess
import sys

from tests.servers.shared import environment


def main(command: list[str]) -> int:
    """Start the servers, run the command, stop them; its exit code."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    with environment() as env:
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
