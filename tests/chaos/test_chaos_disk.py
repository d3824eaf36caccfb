"""The suite's small disk can be filled, and is not left behind."""

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chaos_disk import NoDiskError, small_disk

from child_processes import ChildProcess

PATIENCE_S = 20.0
HOLDS_ONE = """
from chaos_disk import small_disk
with small_disk(1) as folder, (folder / "file").open("w"):
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def folder():
    """A disk of one megabyte."""
    try:
        with small_disk(1) as found:
            yield found
    except NoDiskError as error:
        pytest.skip(f"no file system can be mounted here: {error}")


def test_a_small_disk_is_full_soon(folder):
    """Writing more than the disk holds fails as on a full disk, and what was removed can be written anew."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space") as full:
        file.writelines([b"\0" * 65_536] * 32)
    assert full.value.errno == errno.ENOSPC
    ballast.unlink()
    (folder / "small").write_bytes(b"\0" * 65_536)


@pytest.mark.usefixtures("folder")
def test_a_run_that_is_killed_leaves_no_disk_behind():
    """When the run is gone the disk is no longer mounted and its folder is removed, even with a file of it open."""
    with ChildProcess([sys.executable, "-c", HOLDS_ONE], cwd=Path(__file__).parent, stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, text=True) as run:  # fmt: skip
        place = Path(run.stdout.readline().strip())
        assert place.is_mount()
        run.kill()
    ends_s = time.monotonic() + PATIENCE_S
    while place.exists():
        assert time.monotonic() < ends_s, f"{place} was left behind"
        time.sleep(0.02)
