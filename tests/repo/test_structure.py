"""No two of our files import each other, straight or around."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.imports import circles, import_graph


def test_no_two_files_import_each_other() -> None:
    assert list(circles(import_graph())) == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param({"a": "import p.b", "b": ""}, [], id="one way"),
        pytest.param({"a": "import p.b", "b": "from p import a"}, [{"p.a", "p.b"}], id="straight"),
        pytest.param(
            {"a": "from p.b import x", "b": "from . import c", "c": "from .a import y"},
            [{"p.a", "p.b", "p.c"}],
            id="around, by relative imports",
        ),
        pytest.param(
            {
                "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.b",
                "b": "def late():\n    import p.a",
            },
            [{"p.a", "p.b"}],
            id="for types, and late",
        ),
        pytest.param(
            {"a": "import p.b", "b": "import p.a", "c": "import p.d", "d": "import p.c"},
            [{"p.a", "p.b"}, {"p.c", "p.d"}],
            id="two circles",
        ),
    ],
)
def test_a_circle_is_found(tmp_path: Path, texts: dict[str, str], expected: list[set[str]]) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "__init__.py").touch()
    for name, text in texts.items():
        (tmp_path / "p" / f"{name}.py").write_text(text)

    found = circles(import_graph(tmp_path, ("p",)))

    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
