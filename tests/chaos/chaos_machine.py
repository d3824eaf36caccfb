"""What runs a program on a machine of its own: NAME CLOCK-FILE WORDS…

The words are a program's file and its arguments, or those of a `flowlaunch` command. It begins at a line on the
standard input: then its network is there. NAME is the machine's host name, "-" where it shares that of this one.
"""

import socket
import sys

NAME, CLOCK, *WORDS = sys.argv[1:]

if NAME != "-":
    socket.sethostname(NAME)
if not sys.stdin.readline():
    sys.exit("nobody connected this machine")

import runpy  # noqa: E402 - the host's name and the time are as they shall be before anybody looks at them
import time  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402

from chaos_clock import Skew, put_off  # noqa: E402

put_off(Skew(Path(CLOCK)))

from procrastinate import utils  # noqa: E402


def engine_now():
    """The job queue's one look at the wall clock that does not go through `time`."""
    return datetime.fromtimestamp(time.time(), UTC)


utils.utcnow = engine_now
if WORDS[0].endswith(".py"):
    sys.argv[:] = WORDS
    runpy.run_path(WORDS[0], run_name="__main__")
else:
    sys.argv[1:] = WORDS
    runpy.run_module("flowlaunch", run_name="__main__", alter_sys=True)
