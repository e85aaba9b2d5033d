"""A table map held against the two apps: every fault at once, each as a finding.

`check` raises nothing for what is wrong with a map, a table that is not there included;
it gathers.  The codes and what they mean are in `dualwrite.tablemap.codes`.
"""

from dualwrite.tablemap.checks.run import check
from dualwrite.tablemap.checks.surroundings import Surroundings

__all__ = ["Surroundings", "check"]
