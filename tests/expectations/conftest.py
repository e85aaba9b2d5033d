"""Great Expectations warns of its own imports (sre_constants); only that is passed over."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations  # noqa: F401
