"""What it costs to begin: imports, the command line, memory."""

from __future__ import annotations

import os

from bench.measure import PYTHON, Row, program, sandbox, wall_s

FLOWLAUNCH = os.path.join(os.path.dirname(PYTHON), "flowlaunch")


def rows():
    """Measure imports, `--version` and the memory of a first launch."""
    bare = wall_s([PYTHON, "-c", "pass"])
    ours = wall_s([PYTHON, "-c", "import flowlaunch"]) - bare
    client = wall_s([PYTHON, "-c", "from flowlaunch import Client"]) - bare
    tasks = wall_s([PYTHON, "-c", "from flowlaunch import AsyncClient"]) - bare
    peer = wall_s([PYTHON, "-W", "ignore", "-c", "import PureCloudPlatformClientV2"], runs=2) - bare
    ms = lambda seconds: f"{seconds * 1000:.0f} ms"  # noqa: E731
    yield Row("`import flowlaunch` over a bare interpreter", ms(ours), f"SDK {ms(peer)}", f"{ours / peer:.3f}", "60 ms")
    yield Row("`from flowlaunch import Client`", ms(client), f"SDK {ms(peer)}", f"{client / peer:.3f}")
    yield Row("`from flowlaunch import AsyncClient`", ms(tasks), f"SDK {ms(peer)}", f"{tasks / peer:.3f}")
    version = wall_s([FLOWLAUNCH, "--version"])
    yield Row("`flowlaunch --version`", ms(version), f"bare {ms(bare)}", f"{version / bare:.2f}", "3 bare starts")
    with sandbox() as url:
        own = program("memory.py", url, "flowlaunch")["peak_mb"]
        sdk = program("memory.py", url, "sdk")["peak_mb"]
    yield Row("peak memory of a first sync launch", f"{own:.0f} MB", f"SDK {sdk:.0f} MB", f"{own / sdk:.2f}", "45 MB")
