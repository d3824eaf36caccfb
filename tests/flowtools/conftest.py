"""Flows, stubs and command lines for the tests of the flow tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_desk import SMALL_FLOW, Ended

from flowlaunch.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    """A small flow with one data action and one decision."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_FLOW)
    return path


@pytest.fixture
def command(capfd: Any, monkeypatch: Any, tmp_path: Path) -> Any:
    """Run `flowlaunch flow ...` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Ended:
        code = run(["flow", *map(str, arguments)])
        captured = capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file of a folder that only this test has."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return make
