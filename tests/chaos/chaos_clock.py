"""A clock whose wall time another process can make jump, through a shared file of eight bytes."""

import asyncio
import mmap
import struct
import time

from flowlaunch._core.steps import Moment

FORMAT = struct.Struct("<d")


class JumpyClock:
    """The machine's clocks, with the wall clock off by what the file says, in seconds."""

    def __init__(self, path):
        if not path.exists():
            path.write_bytes(FORMAT.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), FORMAT.size)

    def jump_to(self, off_s):
        self._shared[:] = FORMAT.pack(off_s)

    def now(self):
        return Moment(time.monotonic(), time.time() + FORMAT.unpack(self._shared[:])[0])

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    async def wait(self, event, seconds):
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
