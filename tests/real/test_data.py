"""Tests of real data give the reason when they are skipped, and fail where they are required."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.data import REQUIRED, VARIABLE, data_folder


def test_without_data_sets_a_test_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.delenv(REQUIRED, raising=False)

    with pytest.raises(pytest.skip.Exception) as skipped:
        data_folder()

    assert str(skipped.value) == (
        f"no data sets in {tmp_path} (say where they are: DUALWRITE_TEST_DATA=DIR)"
    )


def test_missing_required_data_sets_fail_a_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv(REQUIRED, "1")

    with pytest.raises(pytest.fail.Exception):
        data_folder()
