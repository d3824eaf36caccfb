"""Noticing that a connection is tried without letting it in: the system refuses without telling anybody.

Linux only. A listening socket drops what asks for a connection and counts it; who asked asks again a second later.
Sources: linux/Documentation/networking/filter.rst (the program), sock_diag(7) (SK_MEMINFO_DROPS), RFC 6298 2.1.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Final

__all__ = ["ASKS_AGAIN_S", "count_knocks", "drop_knocks"]

ASKS_AGAIN_S: Final = 1.0
"""After this the system asks for a connection again, then after twice as long."""
SO_ATTACH_FILTER: Final = 26
SO_MEMINFO: Final = 55
MEMINFO: Final = struct.Struct("=9I")
DROPS: Final = 8
FLAGS_PLACE, SYN, SYN_OR_ACK = 13, 0x02, 0x12
DROP_SYN: Final = (
    (0x30, 0, 0, FLAGS_PLACE),  # load the byte of flags of the TCP header
    (0x54, 0, 0, SYN_OR_ACK),
    (0x15, 0, 1, SYN),  # the first packet of a connection, and no other
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),
)


def drop_knocks(listener: socket.socket) -> bool:
    """Let no new connection in from now on, and count those that are tried; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in DROP_SYN))
    program = struct.pack("@HP", len(DROP_SYN), ctypes.addressof(code))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        count_knocks(listener)
    except (OSError, struct.error):
        return False
    return True


def count_knocks(listener: socket.socket) -> int:
    """Return how many connections were tried, each try of the same one counted."""
    drops: int = MEMINFO.unpack(listener.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size))[DROPS]
    return drops
