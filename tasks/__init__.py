"""Prefect tasks: the steps of the flows, each one call to the engine."""

import logging

# Prefect passes on what our loggers let through, which is nothing below a warning by default.
# Here and not beside the flows: a deployment loads a flow by its file.
if logging.getLogger("dualwrite").level == logging.NOTSET:
    logging.getLogger("dualwrite").setLevel(logging.INFO)
    # a line a batch is too much for the record of a live run, which shows the sums
    logging.getLogger("dualwrite.batch").setLevel(logging.WARNING)
