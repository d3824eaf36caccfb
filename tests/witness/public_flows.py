"""Public Architect flows served by a sandbox: their worlds, and what their runs asked for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from witness_clients import SHARED, AnyClient

from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flowlaunch.models import Execution


def flow_file(name: str) -> Path:
    path = SHARED / "flows" / name
    if not path.exists():
        pytest.skip("../shared is not beside this checkout")
    return path


class Stage:
    """A sandbox that serves chosen flows, and a client on it.

    `files` go into a folder of flows; their slots are filled from the world's `slots`.
    """

    def __init__(self, sandbox: Sandbox, client: AnyClient) -> None:
        self.sandbox = sandbox
        self.client = client

    def run(self, flow: str, inputs: Mapping[str, Any] | None = None) -> Execution:
        return self.client.call("run", flow, dict(inputs or {}), wait_s=60.0, raise_on_failure=False)

    def asked(self, execution_id: str) -> list[tuple[dict[str, Any], str | None]]:
        """List the data actions that a run called: their inputs and the path taken."""
        entries = self.sandbox.trace(execution_id)["entries"]
        return [(entry["inputs"], entry["path"]) for entry in entries if entry["action"]["key"] == "callData"]

    def things(self) -> Any:
        return self.sandbox._ask(lambda service: service.world.things)


def stage(folder: Path, files: tuple[str, ...], world: Mapping[str, Any], **options: Any) -> Iterator[Stage]:
    """Serve copies of the flows in `folder`; the world has no flows of its own."""
    for name in files:
        shutil.copy(flow_file(name), folder / name)
    given = {"flows": [], **world}
    with (
        Sandbox(flows=folder, world=given, rate_per_minute=None, **options) as sandbox,
        AnyClient("sync", sandbox.url) as client,
    ):
        yield Stage(sandbox, client)
