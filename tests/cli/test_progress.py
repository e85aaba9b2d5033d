from __future__ import annotations

import pytest

from dualwrite.cli import progress


def test_short_work_and_work_without_a_terminal_draw_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for shown in (True, False):
        bars = progress.Bars(shown=shown, unit="parts")
        bars.step("groups", 1, 2)
        bars.stop()

    assert capsys.readouterr().err == ""


def test_long_work_shows_a_bar_for_each_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    bars = progress.Bars(shown=True, unit="parts")

    bars.step("groups [b]", 1, 4)
    bars.step("groups [b]", 2, 4)
    bars.step("vendors", 5, None)
    bars.stop()

    drawn = capsys.readouterr()
    assert "groups [b]" in drawn.err
    assert "2/4" in drawn.err
    assert "5/?" in drawn.err
    assert drawn.out == ""
