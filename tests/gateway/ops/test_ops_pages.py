"""The pages about operating a gateway name every metric, every limit and every field of the log.

Run this file to write the table of docs/reference/gateway-metrics.md anew.
"""

import importlib
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from flowlaunch.gateway.ops import correlation, logs
from flowlaunch.gateway.ops.instruments import Instruments
from flowlaunch.gateway.ops.options import BackupOptions, ConnectionLimits, Retention
from flowlaunch.gateway.ops.readings import Readings
from flowlaunch.gateway.options import GatewayOptions

DOCS = Path(__file__).parents[3] / "docs"
METRICS, HOW_TO = DOCS / "reference" / "gateway-metrics.md", DOCS / "how-to" / "operate-the-gateway.md"
GROWS = DOCS / "explanation" / "gateway.md"
HEAD = "| metric | kind | labels | what it says |\n|---|---|---|---|\n"
BOUNDS = [field.name for field in fields(GatewayOptions) if field.name.startswith(("max_", "longest_"))]


def table():
    """Write the table of the metrics."""
    instruments = Instruments()
    registry = instruments.registry()
    registry.metrics += Readings(SimpleNamespace(), instruments).gauges()
    lines = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.about} |\n"
        for one in registry.metrics
    ]
    return HEAD + "".join(lines)


def test_the_page_of_metrics_is_what_is_served():
    """docs/reference/gateway-metrics.md lists every metric with its kind, labels and meaning, and no other."""
    assert table() in METRICS.read_text("utf-8"), "run: python tests/gateway/ops/test_ops_pages.py"


@pytest.mark.parametrize("name", BOUNDS + [field.name for field in fields(ConnectionLimits)])
def test_every_bound_is_in_the_list_of_limits(name):
    """Each option that bounds something stands in the list of what can grow, with what happens at the bound."""
    limits = HOW_TO.read_text("utf-8").partition("## Limits")[2].partition("\n## ")[0]

    assert f"`{name}`" in limits


def test_the_page_says_of_everything_that_can_grow_where_it_ends():
    """Each figure in the tables of what can grow is the one in the code beside it, and every option is in them."""
    text = GROWS.read_text("utf-8").partition("## What can grow")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|[^|]+\| ([\d,]+) \| `([\w.]+):([\w.]+)` \|$", text, re.MULTILINE)
    for bound, module, name in rows:
        whole = module if module.startswith("flowlaunch.") else f"flowlaunch.gateway.{module}"
        assert default_of(importlib.import_module(whole), name) == int(bound.replace(",", "")), name

    assert len(rows) == len(re.findall(r"\| `[^|]+` \|$", text, re.MULTILINE))
    counted = [name for name in BOUNDS if not name.endswith(("body_bytes", "upload_bytes", "wait_s"))]
    assert [name for name in counted if f"GatewayOptions.{name}" not in text] == []


def default_of(place, name):
    """Return a constant of a module, or the default of an option."""
    kind, _, field = name.partition(".")
    if not field:
        return getattr(place, kind)
    return next(one.default for one in fields(getattr(place, kind)) if one.name == field)


@pytest.mark.parametrize("kind", [Retention, BackupOptions])
def test_what_is_kept_is_told(kind):
    """Each kind of thing that is kept for a time is on the page, with its flag."""
    text = HOW_TO.read_text("utf-8")
    flags = {"Retention": "--keep-{}", "BackupOptions": "--backup"}[kind.__name__]

    assert all(flags.format(field.name) in text for field in fields(kind))


def test_every_field_of_the_log_is_told():
    """The page says which fields a record can have."""
    text = HOW_TO.read_text("utf-8")

    assert [name for name in (*logs.FIELDS, "request_id", "trace_id") if f"`{name}`" not in text] == []
    assert correlation.REQUEST_ID in text.lower()


if __name__ == "__main__":
    METRICS.write_text(
        re.sub(re.escape(HEAD) + r"(?:\|[^\n]*\n)*", lambda _found: table(), METRICS.read_text("utf-8")), "utf-8"
    )
