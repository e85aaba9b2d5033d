"""Prefect flows, one a file, named as the file.

Run by hand (`python -m flows.demo`) they bring their own small server, which may take
half a minute to start on a busy machine.  What the user has set stays as it is.
"""

import os

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "dualwrite")
os.environ.setdefault("DO_NOT_TRACK", "1")
