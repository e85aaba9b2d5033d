"""Prefect flows, one for each file, named after the file.

Run from the command line (`python -m flows.demo`), a flow starts a temporary server unless one is
configured, which may take half a minute on a busy machine.  Existing settings stay unchanged.
"""

import os

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "dualwrite")
os.environ.setdefault("DO_NOT_TRACK", "1")
