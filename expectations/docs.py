"""Data Docs: a report as static pages that open without a network and without a server.

Great Expectations renders each expectation and what it found; the page around it is
ours.  Its own pages load their looks from six other hosts, and without a network show
neither style nor content, so here everything a page needs is in the page.

    <project>/reports/quality/index.html          what to correct first, and all suites
    <project>/reports/quality/<map>-<direction>.html   one suite: its worst rows, then its columns
    <project>/reports/quality/<map>-<direction>.csv    why rows failed, where values may be shown
    <project>/reports/quality/history.jsonl       the numbers of earlier reports of whole tables
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.render.components import (
    RenderedDocumentContent,
    RenderedHeaderContent,
    RenderedSectionContent,
    RenderedStringTemplateContent,
)
from great_expectations.render.renderer.content_block import (
    validation_results_table_content_block as content_block,
)
from great_expectations.render.view.view import DefaultJinjaPageView

from dualwrite.link import AppNames, app_names
from dualwrite.tablemap.notation import path_of
from expectations import catalogue, history
from expectations.history import Past
from expectations.report import About, Answer, QualityReport, RowCause

ASSETS = Path(__file__).parent / "assets"
FOLDER = Path("reports", "quality")
SHOWN, NAMED = 25, 3
"""The number of findings on the first page, and of rows of each; the rest are a link away."""
_Card = tuple[str, str, str]


def publish(report: QualityReport, project: Path, *, what: str, trend: bool = False) -> Path:
    """Write the pages of a report; those of an earlier one are replaced.

    Args:
        report: The answers.
        project: The project folder.
        what: What was checked, for the head of each page (`initial sync of 3 maps`).
        trend: Whether whole tables were checked: the report is then held against the earlier
            ones of that kind, and remembered.

    Returns:
        The path of the first page.
    """
    names = app_names(project)
    report = report.titled(names)
    folder, now = project / FOLDER, datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    past = history.read(folder) if trend else history.Past()
    for old in folder.glob("*.html"):
        old.unlink()
    for old in folder.glob("*.csv"):
        old.unlink()
    view = DefaultJinjaPageView(custom_styles_directory=ASSETS, custom_views_directory=ASSETS)
    note = f"{what}, {now:%Y-%m-%d %H:%M} UTC"
    pages: list[dict[str, Any]] = []
    for suite, answers in report.suites.items():
        file = f"{_file_name(suite)}.html"
        page = _page(view, report, suite, note, names)
        (folder / file).write_text(page, encoding="utf-8")
        if causes := report.causes.get(suite):
            _write_csv(folder / f"{_file_name(suite)}.csv", causes)
        pages.append(_listed(report.of(suite), file, list(answers.values()), past, suite))
    pages.sort(key=lambda page: -page["findings"])
    index = view.env.get_template("dualwrite_index.j2")
    every = [answer for answers in report.suites.values() for answer in answers.values()]
    text = index.render(
        note=note,
        pages=pages,
        headline=_headline(report, past),
        failing=[_finding(report, suite, answer, past) for suite, answer in report.failing()],
        shown=SHOWN,
        cards=[_rows_card(report), *_cards(every)],
        trend=trend,
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
    if trend:
        history.add(folder, past, report, now)
    return folder / "index.html"


def _headline(report: QualityReport, past: Past) -> tuple[str, str]:
    """The report in a sentence, and how it looks."""
    failing = report.failing()
    if not failing:
        return "Every row meets every rule.", "good"
    count = sum(answer.failing for _, answer in failing)
    lists = len({suite for suite, _ in failing})
    summary = f"{_plural(count, 'finding')} in {lists} of {_plural(len(report.suites), 'list')}."
    before = [(suite, past.last(suite)) for suite in report.suites]
    known = {suite: noted for suite, noted in before if noted is not None}
    if known:
        now = sum(answer.failing for suite, answer in failing if suite in known)
        of = (
            ""
            if len(known) == len(before)
            else f" in the {_plural(len(known), 'list')} checked earlier"
        )
        summary += f" {_since(now - sum(noted['findings'] for noted in known.values()), of)}"
    bad = any(answer.severity == "critical" for _, answer in failing)
    return summary, "bad" if bad else "warn"


def _since(more: int, of: str) -> str:
    if not more:
        return f"As many as before{of}."
    return f"{_plural(abs(more), 'finding')} {'more' if more > 0 else 'fewer'} than before{of}."


def _finding(report: QualityReport, suite: str, answer: Answer, past: Past) -> dict[str, Any]:
    """One expectation that failed, as a line of what to correct first."""
    last, about = past.last(suite), report.of(suite)
    before = None if last is None else last["failing"].get(answer.mark, 0)
    return {
        "file": f"{_file_name(suite)}.html",
        "title": about.title,
        "direction": about.direction,
        "key": ", ".join(about.key),
        "origin": _origin(about, answer),
        "rows": f"{answer.failing:,}",
        "of": f"{answer.rows:,}",
        "change": "" if before is None else _signed(answer.failing - before),
        "sentence": sentence(answer),
        "cure": catalogue.rule_of(answer.type, answer.kwargs, answer.severity).cure,
        "keys": answer.keys[:NAMED],
        "more": answer.failing - len(answer.keys[:NAMED]),
        "critical": answer.severity == "critical",
    }


def _origin(about: About, answer: Answer) -> str:
    """The source's columns that a finding is about, where the sentence does not name them."""
    names = answer.kwargs.get("parts") or [answer.column]
    found = dict.fromkeys(about.origins[name] for name in names if name in about.origins)
    text = sentence(answer)
    return ", ".join(name for name in found if name not in text)


def _signed(change: int) -> str:
    return f"{change:+,}".replace("-", "\N{MINUS SIGN}") if change else "as before"


def _page(
    view: DefaultJinjaPageView, report: QualityReport, suite: str, note: str, names: AppNames
) -> str:
    answers, about = list(report.suites[suite].values()), report.of(suite)
    by_column: dict[str, list[Answer]] = {}
    for answer in answers:
        by_column.setdefault(_about(answer, about), []).append(answer)
    passed = [c for c, some in by_column.items() if not any(a.failing for a in some)]
    in_order = sorted(by_column, key=lambda column: column in passed)
    document = RenderedDocumentContent(
        renderer_type="ValidationResultsPageRenderer",
        page_title=suite,
        expectation_suite_name=suite,
        sections=[_section(column, by_column[column], about) for column in in_order],
    )
    rows = max((answer.rows for answer in answers), default=0)
    render: Any = view.render
    page = render(
        document,
        "dualwrite_page.j2",
        title=names.in_text(suite),
        about=about,
        note=note,
        cards=[(f"{rows:,}", "rows checked", ""), *_cards(answers)],
        passed=passed,
        worst=[row for row in report.worst.get(suite, ()) if len(row.columns) > 1],
        rows=_by_row(report.causes.get(suite, ())),
        csv=f"{_file_name(suite)}.csv",
    )
    return str(page)


def _by_row(causes: Sequence[RowCause]) -> list[tuple[str, list[RowCause]]]:
    """The first rows that failed, those with most causes first, each with its causes."""
    found: dict[str, list[RowCause]] = {}
    for each in causes:
        found.setdefault(each.key, []).append(each)
    return sorted(found.items(), key=lambda row: -len(row[1]))[:SHOWN]


def _write_csv(file: Path, causes: Sequence[RowCause]) -> None:
    """Every cause on a line of its own."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(field.name for field in fields(RowCause))
        writer.writerows(astuple(each) for each in causes)


def _about(answer: Answer, about: About) -> str:
    """The column under which an answer is listed: one that is filled, with all that it looks up."""
    column = answer.column
    if column not in about.origins:
        column = next((to for to, origin in about.origins.items() if origin == column), column)
    return path_of(column).column


def _section(column: str, answers: Sequence[Answer], about: About) -> RenderedSectionContent:
    filled = (origin for to, origin in about.origins.items() if path_of(to).column == column)
    origins = ", ".join(dict.fromkeys(filled))
    header = RenderedHeaderContent(
        header=RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={
                "template": "$column $origin" if origins else "$column",
                "params": {"column": column, "origin": f"from {origins}"},
                "tag": "h5",
                "styling": {"params": {"origin": {"classes": ["soft"]}}},
            },
        ),
        styling={"header": {"classes": ["alert"]}},
    )
    failed_first = sorted(answers, key=lambda answer: not answer.failing)
    table: Any = content_block.ValidationResultsTableContentBlockRenderer.render(
        [_result(answer, about) for answer in failed_first], include_column_name=False
    )
    table.header_row = ["", "What is asked", "Met by"]
    return RenderedSectionContent(section_name=column, content_blocks=[header, table])


def _result(answer: Answer, about: About) -> ExpectationValidationResult:
    config = ExpectationConfiguration(
        type=answer.type, kwargs=dict(answer.kwargs), severity=FailureSeverity(answer.severity)
    )
    found = {
        "element_count": answer.rows,
        "unexpected_count": answer.failing,
        "unexpected_percent": 100 * answer.failing / answer.rows if answer.rows else 0.0,
        "partial_unexpected_list": list(answer.keys),
        "key_names": list(about.key),
    }
    return ExpectationValidationResult(
        success=not answer.failing,
        expectation_config=config,
        result=found,
        exception_info={
            "raised_exception": False,
            "exception_message": None,
            "exception_traceback": None,
        },
    )


def _rows_card(report: QualityReport) -> _Card:
    rows = sum(
        max((answer.rows for answer in answers.values()), default=0)
        for answers in report.suites.values()
    )
    return (f"{rows:,}", "rows checked", "")


def _cards(answers: Sequence[Answer]) -> list[_Card]:
    failed = [answer for answer in answers if answer.failing]
    critical = sum(answer.failing for answer in failed if answer.severity == "critical")
    warned = sum(answer.failing for answer in failed if answer.severity != "critical")
    return [
        (f"{len(answers):,}", "expectations", ""),
        (f"{len(failed):,}", "of them failed", "bad" if failed else "good"),
        (f"{critical:,}", "findings that hold a row back", "bad" if critical else "good"),
        (f"{warned:,}", "warnings", "warn" if warned else "good"),
    ]


def _listed(
    about: About, file: str, answers: Sequence[Answer], past: Past, suite: str
) -> dict[str, Any]:
    findings = sum(answer.failing for answer in answers)
    last = past.last(suite)
    return {
        "about": about,
        "file": file,
        "rows": max((answer.rows for answer in answers), default=0),
        "expectations": len(answers),
        "failed": sum(answer.failing > 0 for answer in answers),
        "findings": findings,
        "change": "" if last is None else _signed(findings - last["findings"]),
        "trend": history.sparkline([*past.findings(suite), findings]),
    }


def _plural(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def sentence(answer: Answer) -> str:
    """The expectation in one sentence."""
    return catalogue.KINDS[answer.type].sentence(answer.kwargs)


def _file_name(suite: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", suite).strip("-").lower()
