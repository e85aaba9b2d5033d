"""Writing a new `dualwrite.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dualwrite.errors import ConfigError
from dualwrite.link.model import DEFAULT_JOURNAL
from dualwrite.link.reading import FILE_NAME
from dualwrite.link.sides import Side

_TEMPLATE = """\
# The two apps that dualwrite keeps equal. Check it with: dualwrite check
# A text may take its value from the environment: url = "${{FINOPS_URL}}". Keep passwords there.

[link]
name = {name}
{companies}legal entities whose rows take part

[apps.finops]                       # the ERP
connector = "sql"                   # its database: SQLite, PostgreSQL, MariaDB or MySQL
url = {finops}

[apps.dataverse]                    # the customer engagement side
connector = "sql"
url = {dataverse}

[journal]                           # what is done, what waits and why; PostgreSQL for many machines
url = {journal}

[engine]
workers = 2                         # partitions carried at the same time
partition_rows = 25000              # rows of one; memory depends on it
"""


_NO_COMPANIES = '# companies = ["USMF"]              # of maps with `company:`: '


def write_config(
    project: Path,
    *,
    name: str,
    companies: Iterable[str],
    urls: Mapping[Side, str],
    journal_url: str = DEFAULT_JOURNAL,
) -> Path:
    """Write a new `dualwrite.toml`, with comments, into an existing folder.

    Without `companies` it shows where they are named, for maps whose rows belong to companies.

    Raises:
        ConfigError: There is one already; it is left as it is.
    """
    path = project / FILE_NAME
    listed = ", ".join(map(_quoted, companies))
    text = _TEMPLATE.format(
        name=_quoted(name),
        companies=f"companies = [{listed}]             # " if listed else _NO_COMPANIES,
        finops=_quoted(urls[Side.FINOPS]),
        dataverse=_quoted(urls[Side.DATAVERSE]),
        journal=_quoted(journal_url),
    )
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        msg = (
            f"{path}: is there already, and was left as it is.\n"
            "  Choose another folder, or edit the file."
        )
        raise ConfigError(msg) from error
    return path


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
