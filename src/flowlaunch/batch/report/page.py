"""The report as one HTML page: no script, no request to anywhere, readable in light, in dark and on paper."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from flowlaunch.batch.report import sections
from flowlaunch.batch.report.markup import Markup, joined, tag
from flowlaunch.batch.report.material import gather

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.report.material import Material

__all__ = ["render_report", "report_of"]


def report_of(ledger: Ledger, batch_id: int, *, now: datetime, zone: tzinfo, target: str = "LEDGER") -> str:
    """Return the report of a batch as the ledger has it now, as HTML.

    Times are told in `zone`; `target` is what the commands in the report call the ledger.
    """
    return render_report(gather(ledger, batch_id, now=now, zone=zone, target=target))


def render_report(material: Material) -> str:
    """Return the report as HTML."""
    css = files("flowlaunch.batch.report").joinpath("report.css").read_text(encoding="utf-8")
    summary = material.summary
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        # Whatever a row's text says, the page loads nothing and runs nothing.
        tag("meta", http_equiv="Content-Security-Policy", content=f"default-src 'none'; style-src '{_hash(css)}'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="flowlaunch"),
        tag("title", f"{summary.name}: batch report"),
        tag("style", Markup(css)),
    )
    body = tag("body", tag("main", *(section(material) for section in sections.SECTIONS)))
    return str(joined(Markup("<!DOCTYPE html>\n"), tag("html", head, body, lang="en"), Markup("\n")))


def _hash(text: str) -> str:
    """Name the one style sheet that the page may use."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
