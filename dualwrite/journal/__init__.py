"""The journal: dualwrite's own database of maps, runs, held rows, conflicts and activity.

`records` has the plain data that goes in and comes out, `store` the `Journal` that callers
open, `overview` the quick read that `dualwrite status` makes without SQLAlchemy.  Nothing is
imported here, so that a caller loads only what it uses.
"""
