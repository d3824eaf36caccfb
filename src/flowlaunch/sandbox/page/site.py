"""The sandbox's site: its menu, views and forms as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.drawing.style import svg_style
from flowlaunch.pages.answers import Confirmation
from flowlaunch.pages.guard import Guard
from flowlaunch.pages.site import Action, MenuItem, Site, View
from flowlaunch.sandbox.answers import Refusal
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.page import BASE
from flowlaunch.sandbox.page.forms import Forms
from flowlaunch.sandbox.page.views import Views

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from starlette.requests import Request

    from flowlaunch.sandbox.guards import Hosts
    from flowlaunch.sandbox.service import Service

__all__ = ["sandbox_site"]

MENU: Final = (
    MenuItem("Overview", "/", "home"),
    MenuItem("Executions", "/executions", "list"),
    MenuItem("Requests", "/requests", "request"),
    MenuItem("Flows", "/flows", "flow"),
    MenuItem("Clock", "/clock", "clock"),
    MenuItem("Faults", "/faults", "fault"),
)
MESSAGES: Final = {
    "advanced": "The clock moved on by {n} s.",
    "mode": "The clock has changed.",
    "reset": "Everything is as it was at the start.",
    "fault": "The fault is set.",
    "faults-cleared": "No fault is set any more.",
    "journal-cleared": "The record of requests is empty.",
    "revoked": "{n} access tokens were ended.",
}
RESET: Final = Confirmation(
    "Go back to the start?",
    "Executions, tokens, requests, faults and uploaded flows are forgotten; the rest is as at the start.",
    "Reset the sandbox",
)
CLEAR_JOURNAL: Final = Confirmation(
    "Forget every request?", "The record of requests becomes empty; executions stay.", "Forget requests"
)


def sandbox_site(service: Service, hosts: Hosts) -> Site:
    """Build the site of a sandbox."""

    def accepts(host: str) -> bool:
        try:
            hosts.check(host.encode("latin-1"))
        except Refusal:
            return False
        return True

    async def version() -> Hashable:
        clock, runs = service.clock, service.runs
        still = clock.now() if clock.mode == "frozen" else clock.state()
        return (service.journal.count, runs.accepted, runs.ended, still, clock.mode, service.faults.count, id(runs))

    def shared(request: Request) -> Mapping[str, Any]:
        del request
        return {"clock_mode": service.clock.mode, "clock_now": iso(service.clock.now())}

    views, forms = Views(service), Forms(service)
    return Site(
        name="Sandbox",
        base=BASE,
        templates=Path(__file__).parent / "templates",
        guard=Guard(accepts),
        views=_views(views),
        actions=_actions(forms),
        menu=MENU,
        version=version,
        messages=MESSAGES,
        shared=shared,
        style=f".picture{{\n{svg_style()}}}\n",
    )


def _views(views: Views) -> tuple[View, ...]:
    return (
        View("/", views.overview),
        View("/executions", views.executions),
        View("/executions/{id}", views.execution),
        View("/requests", views.requests),
        View("/requests/{number:int}", views.request),
        View("/flows", views.flows),
        View("/flows/{id}", views.flow),
        View("/clock", views.clock),
        View("/faults", views.faults),
    )


def _actions(forms: Forms) -> tuple[Action, ...]:
    return (
        Action("advance", "/clock/advance", forms.advance),
        Action("mode", "/clock/mode", forms.set_mode),
        Action("reset", "/reset", forms.reset, confirm=RESET),
        Action("fault", "/faults/add", forms.add_fault),
        Action("clear-faults", "/faults/clear", forms.clear_faults),
        Action("clear-journal", "/requests/clear", forms.clear_journal, confirm=CLEAR_JOURNAL),
        Action("revoke", "/tokens/revoke", forms.revoke_tokens),
    )
