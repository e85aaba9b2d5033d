"""A table map held against the two apps: every fault at once, each as a finding.

`check` raises nothing for what is wrong with a map, a table that is not there included;
it gathers.  The codes and what they mean are in `dualwrite.tablemap.codes`.
"""

from dualwrite.tablemap.checks.environment import Environment
from dualwrite.tablemap.checks.run import check

__all__ = ["Environment", "check"]
