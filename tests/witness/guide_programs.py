"""The guides' own programs, cut out of their text: not altered but for their hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from witness_clients import SHARED

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = "000_a90be5ac00717e90.txt"
ANSWER = "004_d29132d978b4e8ca.txt"
HOSTS = ("https://api.mypurecloud.com", "https://api.eu.pure.cloud.com", "https://api.au.pure.cloud.com")


def guide_text(name: str) -> str:
    path = SHARED / "seeds" / name
    if not path.exists():
        pytest.skip("../shared is not beside this checkout")
    return path.read_text("utf-8")


def cut(text: str, first_line: str, end_line: str, after: str = "") -> str:
    """Cut the lines from `first_line` up to the line that starts with `end_line`, looking after the line `after`."""
    lines = text.splitlines()
    start = lines.index(after) if after else 0
    begin = lines.index(first_line, start)
    end = next(number for number in range(begin, len(lines)) if lines[number].startswith(end_line))
    return "\n".join(lines[begin:end]).rstrip() + "\n"


def redirected(code: str, url: str) -> str:
    """Put the sandbox's URL in the place of the guides' hosts."""
    for host in HOSTS:
        code = code.replace(host, url)
    assert "https://" not in code
    return code


def _blocks(url: str) -> dict[str, str]:
    text = guide_text(GUIDE)
    blocks = {
        "authenticator": cut(text, "import requests", "Implementation"),
        "payload": cut(text, "from typing import Any, Dict, List, Optional", "Step 2:"),
        "executor": cut(text, "class GenesysFlowExecutor:", "Step 3:"),
        "status": cut(text, "    def get_execution_status(self, execution_id: str) -> Dict[str, Any]:", "Complete"),
        "example": cut(text, "import os", "Common Errors", after="Complete Working Example"),
        "retry": cut(text, "import time", "Official References", after="Error: 429 Too Many Requests"),
    }
    return {name: redirected(code, url) for name, code in blocks.items()}


def write_example(folder: Path, url: str) -> list[Path]:
    """Write the complete example, after the step that holds the imports which it says it takes from there."""
    blocks = _blocks(url)
    return _write(folder, {"step_1.py": blocks["authenticator"], "example.py": blocks["example"]})


def write_steps(folder: Path, url: str) -> list[Path]:
    """Write the guide's steps, with the method of step 3 in the class of step 2, and the retry helper."""
    blocks = _blocks(url)
    steps = blocks["authenticator"] + blocks["payload"] + "\n\n" + blocks["executor"] + "\n" + blocks["status"]
    return _write(folder, {"steps.py": steps, "retry.py": blocks["retry"]})


def _write(folder: Path, files: dict[str, str]) -> list[Path]:
    paths = []
    for name, code in files.items():
        path = folder / name
        path.write_text(code, "utf-8")
        paths.append(path)
    return paths


def shared_flow_body() -> dict[str, Any]:
    """Read the body of the second guide as it stands, its `{{ }}` placeholders included."""
    text = guide_text(ANSWER)
    begin = text.index("{\n", text.index("Here is the working payload structure:"))
    body, _ = json.JSONDecoder().raw_decode(text[begin:])
    assert isinstance(body, dict)
    return body
