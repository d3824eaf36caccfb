"""The shape of the source: small modules, no paths or hosts of one machine."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TEXTS = [
    path
    for folder in ("src", "tests", "docs", "bench")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".yaml", ".toml", ".json", ".css", ".js"}
]
LONGEST_LINES = 430
FOREIGN_PATH = re.compile(r"(^|[^\w.:/])/(root|home|Users)/\w")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_a_module_can_be_read_in_one_sitting(path):
    """No module is much longer than 400 lines."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_LINES


def test_no_file_names_a_path_of_one_machine():
    """No source, test or page holds a path that exists on one machine only."""
    found = [path.name for path in TEXTS if FOREIGN_PATH.search(path.read_text("utf-8"))]

    assert found == []
