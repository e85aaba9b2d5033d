"""Prefect tasks: the steps of the flows, each one call of the engine."""

import logging

# Prefect forwards the records of our loggers, which by default have none below a warning.
# Set here and not in `flows`, as a deployment loads a flow by its file.
if logging.getLogger("dualwrite").level == logging.NOTSET:
    logging.getLogger("dualwrite").setLevel(logging.INFO)
    # a line a batch is too much for the record of a live run, which shows the sums
    logging.getLogger("dualwrite.batch").setLevel(logging.WARNING)
