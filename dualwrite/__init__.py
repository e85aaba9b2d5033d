"""dualwrite: two business systems in agreement, both ways, with a data-quality gate.

The names below are what programs use; each is loaded when it is first asked for, so that
`import dualwrite` costs nothing.  Everything else that can be asked for is a function of
`dualwrite.operations`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualwrite.errors import (
        ConfigError,
        DualWriteError,
        PermanentError,
        RowError,
        TransientError,
    )
    from dualwrite.link import Side
    from dualwrite.money import ExchangeRates, NoRateError, RefusedRateError
    from dualwrite.operations.commands.write_both import (
        FollowsError,
        NotCarriedError,
        NotTogetherError,
        WrittenBoth,
        write_both,
        write_rows,
    )
    from dualwrite.operations.queries.rates import read_rates
    from dualwrite.operations.session import Session, open_session

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "DualWriteError",
    "ExchangeRates",
    "FollowsError",
    "NoRateError",
    "NotCarriedError",
    "NotTogetherError",
    "PermanentError",
    "RefusedRateError",
    "RowError",
    "Session",
    "Side",
    "TransientError",
    "WrittenBoth",
    "__version__",
    "open_session",
    "read_rates",
    "write_both",
    "write_rows",
]

_MODULES = {
    "dualwrite.errors": (
        *("ConfigError", "DualWriteError", "PermanentError", "RowError", "TransientError"),
    ),
    "dualwrite.link": ("Side",),
    "dualwrite.money": ("ExchangeRates", "NoRateError", "RefusedRateError"),
    "dualwrite.operations.commands.write_both": (
        *("FollowsError", "NotCarriedError", "NotTogetherError"),
        *("WrittenBoth", "write_both", "write_rows"),
    ),
    "dualwrite.operations.queries.rates": ("read_rates",),
    "dualwrite.operations.session": ("Session", "open_session"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
