"""The reference page of expressions tells the truth."""

import re
from pathlib import Path

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.errors import FlowTypeError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "expressions.md"
BLOCK_RE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(kind):
    return [text for found, text in BLOCK_RE.findall(PAGE.read_text(encoding="utf-8")) if found == kind]


@pytest.mark.parametrize("number", range(2))
def test_python_on_the_page_runs(number: int):
    """Each Python block of the page runs and its assertions hold."""
    exec(compile(blocks("python")[number], str(PAGE), "exec"), {})  # noqa: S102  # the page is ours


def test_the_error_on_the_page_is_the_real_one():
    """The error shown on the page is, letter by letter, the one raised."""
    with pytest.raises(FlowTypeError) as caught:
        evaluate_text("Left(Flow.count, 2)", {"Flow.count": 5})
    assert str(caught.value) == blocks("text")[0].rstrip("\n")
