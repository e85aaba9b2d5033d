"""dualwrite: two business systems in agreement, both ways, with a data-quality gate."""

__version__ = "0.1.0"
