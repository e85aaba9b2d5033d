"""`python -m tests.mutations [--json]`: apply each mutation and run its tests."""

from __future__ import annotations

import json
import sys

from tests.mutations.running import check_all


def main(*, as_json: bool) -> int:
    """Print a table, or a line of JSON each; 1 when a mutation survived."""
    survived = 0
    if not as_json:
        print("| broken on purpose | tests | unbroken | broken |\n|---|---|---|---|")
    for each in check_all():
        survived += not (each.passes and each.caught)
        unbroken = "pass" if each.passes else "FAIL"
        broken = "caught" if each.caught else "SURVIVED"
        row = f"| {each.name} | {each.where} | {unbroken} | {broken} |"
        print(json.dumps(each.as_dict()) if as_json else row, flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(as_json="--json" in sys.argv[1:]))
