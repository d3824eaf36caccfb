"""`flow record`: a skeleton of the stubs, and of the cases, that a flow needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.commands.flow_files import write_text
from flowlaunch.cli.commands.flow_lint import read_slots, slot_options

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["record_command"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("record")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--cases", "is_cases", is_flag=True, help="Write a case file that takes as many paths as can be found.")
@click.option("--lenient", is_flag=True, help="Leave unknown actions and functions out instead of refusing the flow.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@slot_options
def record_command(
    file: Path,
    *,
    target: Path | None,
    is_cases: bool,
    lenient: bool,
    force: bool,
    pairs: Sequence[str],
    values: Path | None,
) -> None:
    """Write a skeleton of the stubs that a flow needs.

    Every data action, table, module, queue, user and contact that the flow mentions gets a stanza with sample
    outputs of the right types. With --cases: a case file with inputs and stubs for every path that could be found.
    """
    from flowlaunch.architect.explore import explore, write_cases  # noqa: PLC0415 - loads the flow language
    from flowlaunch.architect.stubs import as_yaml, skeleton  # noqa: PLC0415
    from flowlaunch.testing import load_flow_file, load_modules  # noqa: PLC0415

    slots = read_slots(pairs, values)
    flow = load_flow_file(file, slots=slots, lenient=lenient)
    if not is_cases:
        head = f"# What {flow.name} asks of the world; change the answers to what your case needs.\n"
        stubs = skeleton(flow)
        write_text(head + (as_yaml(stubs) if stubs else "# It asks for nothing.\n"), target, force=force)
        return
    found = explore(flow, modules=load_modules(flow, file.parent, slots=slots, lenient=lenient))
    write_text(write_cases(found, _path_from(target, file), slots=slots, lenient=lenient), target, force=force)
    for line in found.coverage.missing():
        click.echo(f"not reached: {line}", err=True)


def _path_from(target: Path | None, file: Path) -> str:
    """Give the path of the flow as a case file says it: from the folder that the case file is in."""
    if target is None:
        return file.name
    try:
        return Path(os.path.relpath(file.resolve(), target.resolve().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return file.resolve().as_posix()
