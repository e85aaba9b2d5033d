"""`python -m tests.mutations`: break the engine in each way, and see that a test notices."""

from __future__ import annotations

import sys

from tests.mutations.breaking import MUTATIONS
from tests.mutations.running import caught, sound


def main() -> int:
    """Print a table; 1 when a mutation survived."""
    survived = 0
    print("| broken on purpose | tests | unbroken | broken |")
    print("|---|---|---|---|")
    for mutation in MUTATIONS:
        passes, notices = sound(mutation), caught(mutation)
        survived += not (passes and notices)
        told = "pass" if passes else "FAIL", "caught" if notices else "SURVIVED"
        where = f"`{mutation.tests}` -k `{mutation.only}`"
        print(f"| {mutation.name} | {where} | {told[0]} | {told[1]} |", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
