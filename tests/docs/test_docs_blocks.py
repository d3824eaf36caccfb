"""The code in the README and the docs runs as it stands, against a sandbox, with settings from the environment.

Blocks marked `python` and `bash` run, page by page, in order and in one folder; `console`, `text` and data formats
are only shown.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from child_processes import run_child
from flowlaunch.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def blocks(page):
    """Return the blocks of a page that run: (language, text)."""
    found = BLOCK.findall(page.read_text("utf-8"))
    return [(language, text) for language, text in found if language in {"python", "bash"}]


RUN = [page for page in PAGES if blocks(page)]


def name_of(page):
    """Name a page in a test's id."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def environment(tmp_path):
    """A sandbox and the settings that point at it, as a reader would set them."""
    with Sandbox(rate_per_minute=None, clock="virtual") as sandbox:
        yield {
            **{name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "GENESYSCLOUD_REGION": sandbox.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
            "PYTHONWARNINGS": "error",
        }


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_code_on_a_page_runs(page, environment, tmp_path):
    """Every python and bash block of the page runs in order and ends well."""
    script = []
    for number, (language, text) in enumerate(blocks(page)):
        if language == "python":
            file = tmp_path / f"block_{number}.py"
            file.write_text(text, "utf-8")
            script.append(f"'{sys.executable}' {file.name}")
        else:
            script.append(text)

    ended = run_child(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    """Every relative link of the page names a file of the project."""
    lost = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]

    assert lost == []
