"""A small disk that can be filled to the last byte, and that goes with the run, however that ends."""

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

KEEPER = """
mount -t tmpfs -o "size=$2m,mode=755" tmpfs "$1" || { rmdir "$1"; exit 1; }
echo mounted
read -r order
umount --lazy "$1"
rmdir "$1"
"""
"""Takes the disk away when it is told to, or when whoever asked for it is gone."""


class NoDiskError(Exception):
    """No file system can be mounted here; says why."""


@contextmanager
def small_disk(size_mb):
    """Mount a file system of its own; needs the right to.

    It goes at once, for whoever still has a file of it open once that is closed.
    """
    folder = Path(tempfile.mkdtemp(prefix="fldisk-"))
    with subprocess.Popen(["/bin/sh", "-c", KEEPER, "keeper", folder, str(size_mb)], cwd="/", text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as keeper:  # fmt: skip
        if keeper.stdout.readline() != "mounted\n":
            raise NoDiskError(keeper.stderr.read().strip())
        try:
            yield folder
        finally:
            keeper.stdin.close()
            keeper.wait(10)
