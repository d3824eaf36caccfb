"""A folder of flow files: read at the start, looked at again on access, each new content a new published version."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowlaunch.errors import FlowError, SandboxError
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.publishing import accept_text
from flowlaunch.sandbox.world import FlowRecord

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.sandbox.world import World

__all__ = ["FlowsFolder"]

SUFFIXES = (".yaml", ".yml", ".i3workflow")
NO_FLOWS = (".test.yaml", ".test.yml", ".snapshots.yaml")
"""Case files and their snapshots, which live beside the flows that they are about."""

Stamp = tuple[int, int, int]


class FlowsFolder:
    """Keeps a world's flows in step with a folder.

    A file that cannot be loaded keeps its flow's previous version; the loader's error is shown as the flow's
    problem, and under the file's name in `problems`. A file that goes away marks its flow deleted.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SandboxError(f"the flow folder {folder} does not exist", hint="Give an existing folder with --flows.")
        self._folder = folder
        self._stamps: dict[str, Stamp] = {}
        self._flow_ids: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def forget(self) -> None:
        """Read every file anew at the next refresh."""
        self._stamps.clear()
        self._flow_ids.clear()
        self.problems.clear()

    def refresh(self, world: World, now: float) -> None:
        """Load what is new or changed since the last call; costs one look at the folder when nothing is."""
        present = self._look()
        if present == self._stamps:
            return
        for name in sorted(present):
            if self._stamps.get(name) != present[name]:
                self._load(world, name, now)
        for name in self._stamps.keys() - present.keys():
            self._remove(world, name)
        self._stamps = present

    def _look(self) -> dict[str, Stamp]:
        try:
            with os.scandir(self._folder) as entries:
                found = [entry for entry in entries if _is_flow(entry.name) and entry.is_file()]
                stats = [(entry.name, entry.stat()) for entry in found]
        except OSError as error:
            self.problems[""] = f"cannot read the flow folder {self._folder}: {error.strerror or error}"
            return self._stamps
        return {name: (stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats}

    def _load(self, world: World, name: str, now: float) -> None:
        try:
            text = (self._folder / name).read_text("utf-8")
            record, _ = accept_text(world, text, name, now, origin=name)
        except (OSError, UnicodeDecodeError, FlowError) as error:
            self._keep_problem(world, name, str(error))
            return
        self.problems.pop(name, None)
        previous = self._flow_ids.get(name)
        if previous is not None and previous != record.id:
            world.flows[previous].is_deleted = True
        self._flow_ids[name] = record.id

    def _keep_problem(self, world: World, name: str, problem: str) -> None:
        self.problems[name] = problem
        record = world.flows.get(self._flow_ids.get(name, ""))
        if record is None:
            record = _unloadable(world, name)
            self._flow_ids[name] = record.id
        record.problem = problem

    def _remove(self, world: World, name: str) -> None:
        self.problems.pop(name, None)
        record = world.flows.get(self._flow_ids.pop(name, ""))
        if record is not None:
            record.is_deleted = True


def _is_flow(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.lower().endswith(NO_FLOWS)


def _unloadable(world: World, name: str) -> FlowRecord:
    """Make a record that stands for a file that has never been loaded, so that a launch can say why."""
    title = name.rsplit(".", 1)[0]
    record = FlowRecord(fixed_id("file", name), title, "WORKFLOW", world.home, origin=name)
    world.flows[record.id] = record
    return record
