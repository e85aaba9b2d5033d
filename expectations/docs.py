"""Data Docs: a report as static pages that open without a network and without a server.

Great Expectations renders each expectation and what it found; the page around it is
ours.  Its own pages load their looks from six other hosts, and without a network show
neither style nor content, so here everything a page needs is in the page.

    <project>/reports/quality/index.html          all suites
    <project>/reports/quality/<map>-<way>.html    one suite, by column
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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

from expectations import catalogue
from expectations.report import Answer, Report

ASSETS = Path(__file__).parent / "assets"
FOLDER = Path("reports", "quality")
_Card = tuple[str, str, str]


def publish(report: Report, project: Path, *, what: str) -> Path:
    """Write the pages of a report; those of an earlier one are replaced.

    Args:
        report: The answers.
        project: The project folder.
        what: What was checked, for the head of each page (`initial sync of 3 maps`).

    Returns:
        The path of the first page.
    """
    folder = project / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    view = DefaultJinjaPageView(custom_styles_directory=ASSETS, custom_views_directory=ASSETS)
    note = f"{what}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    pages: list[dict[str, Any]] = []
    for suite, answers in report.suites.items():
        file = f"{_file_name(suite)}.html"
        page = _page(view, suite, list(answers.values()), note)
        (folder / file).write_text(page, encoding="utf-8")
        pages.append(_listed(suite, file, list(answers.values())))
    pages.sort(key=lambda page: not page["failed"])
    index = view.env.get_template("dualwrite_index.j2")
    every = [answer for answers in report.suites.values() for answer in answers.values()]
    text = index.render(
        note=note, pages=pages, cards=[(str(len(pages)), "suites", ""), *_cards(every)]
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def _page(view: DefaultJinjaPageView, suite: str, answers: Sequence[Answer], note: str) -> str:
    by_column: dict[str, list[Answer]] = {}
    for answer in answers:
        by_column.setdefault(answer.column, []).append(answer)
    passed = [c for c, some in by_column.items() if not any(a.failing for a in some)]
    in_order = sorted(by_column, key=lambda column: column in passed)
    document = RenderedDocumentContent(
        renderer_type="ValidationResultsPageRenderer",
        page_title=suite,
        expectation_suite_name=suite,
        sections=[_section(column, by_column[column]) for column in in_order],
    )
    rows = max((answer.rows for answer in answers), default=0)
    cards = [(f"{rows:,}", "rows checked", ""), *_cards(answers)]
    render: Any = view.render
    template = "dualwrite_page.j2"
    page = render(document, template, title=suite, note=note, cards=cards, passed=passed)
    return str(page)


def _section(column: str, answers: Sequence[Answer]) -> RenderedSectionContent:
    header = RenderedHeaderContent(
        header=RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={
                "template": "$column",
                "params": {"column": column},
                "tag": "h5",
            },
        ),
        styling={"header": {"classes": ["alert"]}},
    )
    table = content_block.ValidationResultsTableContentBlockRenderer.render(
        [_result(answer) for answer in answers], include_column_name=False
    )
    return RenderedSectionContent(section_name=column, content_blocks=[header, table])


def _result(answer: Answer) -> ExpectationValidationResult:
    config = ExpectationConfiguration(
        type=answer.type, kwargs=dict(answer.kwargs), severity=FailureSeverity(answer.severity)
    )
    found = {
        "element_count": answer.rows,
        "unexpected_count": answer.failing,
        "unexpected_percent": 100 * answer.failing / answer.rows if answer.rows else 0.0,
        "partial_unexpected_list": list(answer.keys),
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


def _cards(answers: Sequence[Answer]) -> list[_Card]:
    failed = [answer for answer in answers if answer.failing]
    critical = sum(answer.failing for answer in failed if answer.severity == "critical")
    warned = sum(answer.failing for answer in failed if answer.severity != "critical")
    return [
        (f"{len(answers):,}", "expectations", ""),
        (f"{len(failed):,}", "of them failed", "bad" if failed else "good"),
        (f"{critical:,}", "failures that hold a row back", "bad" if critical else "good"),
        (f"{warned:,}", "warnings", "warn" if warned else "good"),
    ]


def _listed(suite: str, file: str, answers: Sequence[Answer]) -> dict[str, Any]:
    failed = sorted((a for a in answers if a.failing), key=lambda a: -a.failing)
    worst = f"{failed[0].column}: {failed[0].failing:,} ({sentence(failed[0])})" if failed else ""
    return {
        "suite": suite,
        "file": file,
        "rows": max((answer.rows for answer in answers), default=0),
        "expectations": len(answers),
        "failed": len(failed),
        "worst": worst,
    }


def sentence(answer: Answer) -> str:
    """What the expectation says, in one sentence."""
    kinds = {each.expectation_type: each for each in catalogue.EXPECTATIONS.values()}
    return kinds[answer.type].sentence(answer.kwargs)


def _file_name(suite: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", suite).strip("-").lower()
