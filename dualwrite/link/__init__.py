"""The link: two apps, the companies that take part, and our journal; from `dualwrite.toml`."""

from __future__ import annotations

from dualwrite.link.model import (
    DEFAULT_JOURNAL,
    DEFAULT_PARTITION_ROWS,
    DEFAULT_WORKERS,
    AppConfig,
    Link,
    safe_url,
)
from dualwrite.link.reading import FILE_NAME, app_names, load_link
from dualwrite.link.sides import AppNames, Side
from dualwrite.link.writing import write_config

__all__ = [
    "DEFAULT_JOURNAL",
    "DEFAULT_PARTITION_ROWS",
    "DEFAULT_WORKERS",
    "FILE_NAME",
    "AppConfig",
    "AppNames",
    "Link",
    "Side",
    "app_names",
    "load_link",
    "safe_url",
    "write_config",
]
