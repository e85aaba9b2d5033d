"""The journal: our own database of maps, runs, held rows and activity.

`records` has the plain shapes, `store` the one class that reads and writes them,
`glance` the quick look that `dualwrite status` takes without SQLAlchemy.
Nothing is imported here, so that whoever needs one of them pays for one.
"""
