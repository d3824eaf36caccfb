"""Worlds for the command line: a sandbox, and commands run in this process or in one of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from child_processes import ChildProcess, run_child
from flowlaunch.cli.app import run
from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLOW = "Order follow-up"
INPUTS = ("-i", "customerName=Jane", "-i", "orderId=7")


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_per_minute=None) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """An environment in which no setting of this machine counts."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH", "HTTP"))}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FLOWLAUNCH_CONFIG": str(tmp_path / "flowlaunch.toml"),
        "FLOWLAUNCH_KEYRING": "off",
    }


@pytest.fixture
def sandbox_env(clean_env: dict[str, str], sandbox: Sandbox) -> dict[str, str]:
    return clean_env | {
        "GENESYSCLOUD_REGION": sandbox.url,
        "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
    }


@pytest.fixture
def command(clean_env: dict[str, str], capsys: Any, monkeypatch: Any) -> Callable[..., Ended]:
    """Run a command line in this process; keyword `env` adds variables."""

    def call(*arguments: str, env: dict[str, str] | None = None) -> Ended:
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                if name.startswith(("GENESYS", "FLOWLAUNCH", "HTTP")):
                    patch.delenv(name)
            for name, text in (clean_env | (env or {})).items():
                patch.setenv(name, text)
            code = run(arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def at_sandbox(command: Callable[..., Ended], sandbox_env: dict[str, str]) -> Callable[..., Ended]:
    """Run a command line in this process, signed in to the sandbox as its client `demo`."""

    def call(*arguments: str, env: dict[str, str] | None = None) -> Ended:
        return command(*arguments, env=sandbox_env | (env or {}))

    return call


@pytest.fixture
def shell(sandbox_env: dict[str, str]) -> Callable[..., Ended]:
    """Run a command line in a process of its own."""

    def call(*arguments: str, env: dict[str, str] | None = None, stdin: str | None = None) -> Ended:
        ended = run_child(
            [sys.executable, "-m", "flowlaunch", *arguments],
            env=sandbox_env | (env or {}),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return call


class Running:
    """A command that runs while the test goes on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """Wait for the next line of standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def interrupt(self) -> Ended:
        """Press Ctrl-C and tell how it ended."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=120)
        return Ended(self.process.returncode, out, err)


@pytest.fixture
def started(sandbox_env: dict[str, str]) -> Iterator[Callable[..., Running]]:
    """Start a command line in a process of its own."""
    processes: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> Running:
        process = ChildProcess(
            [sys.executable, "-m", "flowlaunch", *arguments],
            env=sandbox_env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return Running(process)

    yield call
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
