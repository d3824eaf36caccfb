"""Run the guides' code around which only time is watched.

argv: files to run one after the other as one `__main__`. Standard input: a driver, run after them as more lines of
the same program. What the code would sleep is noted; `ADVANCE`, the control plane's clock URL, lets the sandbox's
clock pass instead. The last line printed is a JSON report: sleeps, and whatever the driver put into `report`.
"""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path

SLEPT = []


def leap(seconds):
    """Let the sandbox's clock pass instead of real time."""
    SLEPT.append(seconds)
    if "ADVANCE" in os.environ:
        body = json.dumps({"advance_s": seconds}).encode()
        asked = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
            os.environ["ADVANCE"], body, {"content-type": "application/json"}
        )
        urllib.request.urlopen(asked).close()  # noqa: S310 - the same


def main():
    time.sleep = leap
    space = {"__name__": "__main__", "report": {}}
    codes = [(path, Path(path).read_text("utf-8")) for path in sys.argv[1:]] + [("driver", sys.stdin.read())]
    for name, code in codes:
        exec(compile(code, name, "exec"), space)  # noqa: S102 - this is what running their program means
    sys.stdout.write(json.dumps({"slept": SLEPT, **space["report"]}) + "\n")


main()
