"""The flow engine: actions a second, expressions a second beside two other evaluators, loading."""

from __future__ import annotations

from bench.measure import Row, program

RUNS = 3


def rows():
    """Measure the engine."""
    best = max((program("engine.py") for _ in range(RUNS)), key=lambda run: run["per_s"])
    yield Row("flow engine, pure data flow", f"{best['per_s']:,.0f} actions/s", "", "", "100,000/s")
    yield Row(f"memory of a run of {best['actions']:,} actions", f"{best['peak_mb']:.1f} MB")
    files = program("flows.py")
    yield Row("load and check of the largest flow", f"{files['load_ms']:.1f} ms")
    yield Row(f"lint of {files['flows']} flows", f"{files['lint_ms']:.0f} ms")
    ours = max((program("expressions.py", "flowlaunch") for _ in range(RUNS)), key=lambda run: run["per_s"])
    for peer in ("celpy", "jsonata"):
        found = max((program("expressions.py", peer) for _ in range(RUNS)), key=lambda run: run["per_s"])
        ratio = f"{ours['per_s'] / found['per_s']:.1f}x"
        yield Row("expression evaluations", f"{ours['per_s']:,.0f}/s", f"{peer} {found['per_s']:,.0f}/s", ratio)
