"""The parts of the reference that are generated from the code: commands, codes, journal, logs, API.

    python -m tests.docs.generated

writes them anew, between the two comment lines that enclose them in their pages; a
test fails where a page says otherwise.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import typer.main
from sqlalchemy import Table

from dualwrite.cli.commands import commands
from dualwrite.journal.models import Base
from dualwrite.journal.records import Counts
from dualwrite.logs import BATCH, EVENTS, Counted, Event, JsonFormatter, TextFormatter
from dualwrite.tablemap.checks.types import NEVER, VERDICTS
from dualwrite.tablemap.codes import CODES
from dualwrite.tablemap.filters.literals import ValueKind
from tests.docs.api import python_api
from tests.docs.layers import pictures
from tests.docs.pages import DOCS
from tests.mutations.breaking import MUTATIONS

START = "<!-- written by: python -m tests.docs.generated -->"
END = "<!-- end of what is written -->"


def command_line() -> str:
    """Every command with its options, as its own help tells them."""
    root: Any = typer.main.get_command(commands)
    return "\n".join(_command("dualwrite", root))


def _command(name: str, command: Any) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    help_text = inspect.cleandoc(command.help or "").split("\f")[0]
    yield f"## {name}\n"
    yield f"```text\n{name} {usage}\n```\n"
    yield _paragraphs(help_text)
    rows = [_parameter(each, context) for each in command.params]
    if rows := [row for row in rows if row is not None]:
        yield "| word | means |\n|---|---|"
        yield from (f"| {word} | {means} |" for word, means in rows)
        yield ""
    for sub in getattr(command, "commands", {}).values():
        yield from _command(f"{name} {sub.name}", sub)


def _paragraphs(help_text: str) -> str:
    """Help as markdown: what help keeps in its lines becomes a block."""
    found = []
    for part in re.split(r"\n\s*\n", help_text):
        if "\b" in part:
            lines = part.replace("\b", "").strip("\n").splitlines()
            title, rest = lines[0], inspect.cleandoc("\n".join(lines[1:]))
            rest = re.sub(r"(?<=\S)  +(?=\w)", "  # ", rest)
            found.append(f"{title}\n\n```sh\n{rest}\n```")
        else:
            found.append(part)
    return "\n\n".join(found).replace(" \n", "\n") + "\n"


def _parameter(parameter: Any, context: click.Context) -> tuple[str, str] | None:
    record = parameter.get_help_record(context)
    if record is None:
        return None
    word, means = (re.sub(r"\s+", " ", part).replace("|", "\\|") for part in record)
    # `--name <str>`: what kind of word it is goes without saying, unless it is a choice
    return f"`{re.sub(r' <(str|path|int range|list.*)>', '', word)}`", means


def codes() -> str:
    """Every code of the map check."""
    rows = [
        f"| {each.code} | {'warning' if each.severity == 'warning' else 'fault'} "
        f"| {_cell(each.title)} | {_cell(each.cure)} |"
        for each in CODES.values()
    ]
    return "\n".join(["| code | is a | what is wrong | cure |", "|---|---|---|---|", *rows])


def journal() -> str:
    """Every table of the journal and its columns."""
    rows = []
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: str(mapper.local_table)):
        table = mapper.local_table
        assert isinstance(table, Table)
        says = inspect.cleandoc(mapper.class_.__doc__ or "").replace("\n", " ")
        columns = ", ".join(f"`{column.name}`" for column in table.columns)
        rows.append(f"| `{table.name}` | {_cell(says)} | {columns} |")
    return "\n".join(["| table | holds | columns |", "|---|---|---|", *rows])


def mutations() -> str:
    """Every way of breaking the engine, and the tests that notice it."""
    rows = [f"| {each.name} | `{each.tests}` -k `{each.only}` |" for each in MUTATIONS]
    return "\n".join(["| broken on purpose | noticed by |", "|---|---|", *rows])


def logs() -> str:
    """Every event that is logged, with its fields, and one of them as text and as JSON."""
    rows = [
        f"| `{each.name}` | {logging.getLevelName(each.level).lower()} | {_fields(each)} |"
        for each in EVENTS.values()
    ]
    events = ["| event | level | fields |", "|---|---|---|", *rows]
    lines = [
        f"```{language}\n{formatter.format(record)}\n```"
        for language, formatter in (("text", TextFormatter()), ("json", JsonFormatter()))
        for record in [_example()]
    ]
    return "\n".join([*events, "", "A batch as text, and as JSON:", "", *lines])


def _fields(event: Event) -> str:
    return _cell("; ".join(f"`{name}`: {means}" for name, means in event.fields.items()))


def _example() -> logging.LogRecord:
    fields = {
        "map": "customers-v3--accounts",
        "direction": "finops->dataverse",
        "run": None,
        "rows_from": "queue",
        "rows": 3,
        "outcomes": Counted(written=2, rejected=1),
        "counts": Counted(Counts(read=3, written=2, rejected=1).as_dict()),
        "seconds": 0.012,
        "dry_run": False,
    }
    at = datetime(2026, 5, 4, 10, 12, 3, 123000, UTC).timestamp()
    return logging.makeLogRecord(
        {
            **fields,
            "name": BATCH.logger.name,
            "levelname": logging.getLevelName(BATCH.level),
            "created": at,
            "event": BATCH.name,
            "msg": BATCH.message,
            "args": fields,
        }
    )


_OPAQUE = ValueKind.OPAQUE.value


def types() -> str:
    """What becomes of every kind of value in every other, as the check decides it."""
    kinds = [kind for kind in ValueKind if kind is not ValueKind.NOTHING]
    lines = ["| from | into | carried |", "|---|---|---|"]
    for source in kinds:
        for target in kinds:
            verdict = VERDICTS.get((source, target), NEVER)
            words = "exactly"
            if verdict is not None:
                severity, reason = verdict
                words = f"{'refused' if severity == 'error' else 'by a rule'}: {reason}"
            ends = [kind.value.replace(_OPAQUE, "binaries") for kind in (source, target)]
            lines.append(f"| {' | '.join(ends)} | {words} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "architecture.md": pictures,
    DOCS / "reference/command-line.md": command_line,
    DOCS / "reference/codes.md": codes,
    DOCS / "reference/journal.md": journal,
    DOCS / "reference/logs.md": logs,
    DOCS / "reference/proofs.md": mutations,
    DOCS / "reference/types.md": types,
    DOCS / "reference/python-api.md": python_api,
}


def renewed(page: Path) -> str:
    """The page with its written part as it should be."""
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    assert start, f"{page} has no line {START}"
    assert end, f"{page} has no line {END}"
    return f"{before}{start}\n\n{PAGES[page]().strip()}\n\n{end}{after}"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page), encoding="utf-8")
