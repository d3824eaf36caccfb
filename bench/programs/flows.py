"""Loading the largest flow and linting all: the public flows beside this checkout, else those of the sandbox."""

import json
import re
import time
from pathlib import Path

from flowlaunch.architect.lint import lint_text
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.templates import slot_names

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "flows"
FOLDER = SHARED if SHARED.is_dir() else ROOT / "src" / "flowlaunch" / "sandbox" / "flows"
TEXTS = {
    path.name: path.read_text("utf-8")
    for path in sorted(FOLDER.glob("*.yaml"))
    if re.search(r"^(workflow|commonModule):", path.read_text("utf-8"), re.MULTILINE)
}


def best_ms(work, runs=5):
    """Return the shortest of some runs, in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


whole = {name: text for name, text in TEXTS.items() if not list(slot_names(text))}
largest = max(whole, key=lambda name: len(whole[name]))
load_ms = best_ms(lambda: load_flow(whole[largest], name=largest))
lint_ms = best_ms(lambda: [lint_text(text, name=name) for name, text in TEXTS.items()])
print(json.dumps({"load_ms": load_ms, "largest": largest, "lint_ms": lint_ms, "flows": len(TEXTS)}))
