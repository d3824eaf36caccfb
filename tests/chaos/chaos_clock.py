"""Wall clocks that another process can make jump and drift, through a shared file."""

import mmap
import struct
import time

FORMAT = struct.Struct("<ddd")


class Skew:
    """By how much a wall clock is off: set by one process, read by others on this machine."""

    def __init__(self, path):
        if not path.exists():
            path.write_bytes(FORMAT.pack(0.0, 0.0, 0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), FORMAT.size)

    def jump_to(self, off_s):
        """Be off by so much at once, and stay so."""
        self._shared[:] = FORMAT.pack(off_s, 0.0, 0.0)

    def drift(self, s_per_s):
        """Gain (or lose) so much every second from now on."""
        self._shared[:] = FORMAT.pack(self.off_s(), s_per_s, time.monotonic())

    def off_s(self):
        off_s, s_per_s, since_s = FORMAT.unpack(self._shared[:])
        return off_s + s_per_s * (time.monotonic() - since_s)


def put_off(skew):
    """Have every reading of this process's wall clock be off; call it before anything else is imported."""
    honest, honest_ns = time.time, time.time_ns
    time.time = lambda: honest() + skew.off_s()
    time.time_ns = lambda: honest_ns() + round(skew.off_s() * 1e9)
