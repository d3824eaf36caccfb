"""Every error class and every error code has its line in the reference."""

import ast
import inspect
from pathlib import Path

from flowlaunch import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")


def codes_in(path):
    """Find the codes that a module gives to its errors."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for keyword in node.keywords if name.endswith("Error") else ():
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    yield keyword.value.value


def test_each_class_has_a_line_with_its_code():
    """The table of classes has every class with its default code."""
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    missing = [kind.__name__ for kind in classes if f"| `{kind.__name__}` | `{kind.default_code}` |" not in PAGE]

    assert len(classes) > 20
    assert missing == []


def test_each_special_code_is_explained():
    """Every code that the source gives to an error stands in the reference."""
    codes = {code for path in (ROOT / "src").rglob("*.py") for code in codes_in(path) if isinstance(code, str)}

    missing = sorted(code for code in codes if f"`{code}`" not in PAGE)

    assert len(codes) > 10
    assert missing == []
