"""The gateway's site: its menu, views and forms as tables, each with the scope it needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.api.problems import Problem, problem_of
from flowlaunch.gateway.page.batches import BatchPages
from flowlaunch.gateway.page.callbacks import CallbackPages
from flowlaunch.gateway.page.entry import Entry
from flowlaunch.gateway.page.keys import KeyPages
from flowlaunch.gateway.page.launches import LaunchPages
from flowlaunch.gateway.page.overview import Overview
from flowlaunch.gateway.page.system import SystemPages
from flowlaunch.gateway.page.uploading import UploadPages
from flowlaunch.gateway.page.webhooks import WebhookPages
from flowlaunch.gateway.page.words import route_title, title_of
from flowlaunch.pages.answers import Confirmation, PageError
from flowlaunch.pages.guard import Guard, HostNames
from flowlaunch.pages.site import Action, MenuItem, Site, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from flowlaunch.gateway.page.pulse import Pulse
    from flowlaunch.gateway.state import GatewayState

__all__ = ["gateway_site"]

FOLDER: Final = Path(__file__).parent
SECRET: Final = b"flowlaunch page"
"""Not secret: each session's own token is, and every process of a gateway must make the same of it."""
MENU: Final = (
    MenuItem("Overview", "/", "home", "read"),
    MenuItem("Launches", "/launches", "list", "read"),
    MenuItem("Batches", "/batches", "batch", "read"),
    MenuItem("Routes", "/routes", "route", "read"),
    MenuItem("Webhooks", "/webhooks", "hook", "read"),
    MenuItem("Callbacks", "/callbacks", "callback", "read"),
    MenuItem("Keys", "/keys", "key", "admin"),
    MenuItem("Audit", "/audit", "audit", "admin"),
    MenuItem("Settings", "/settings", "settings", "read"),
)
MESSAGES: Final = {
    "cancelled": "The launch is cancelled; it is never sent.",
    "uploaded": "The file was taken. Look at the plan, then start it.",
    "started": "The batch has started.",
    "message-launched": "The message was taken in again and launched.",
    "message-passed-over": "The message was taken in again; it is not one to launch.",
    "batch-cancelled": "What was not sent yet is cancelled.",
    "retried": "{n} sent again.",
    "released": "The launch may go now.",
    "settled-launched": "The doubt has ended: it was launched.",
    "settled-absent": "The doubt has ended: it was not launched, and is sent again.",
    "reconciled": "{n} settled by what the platform has.",
    "reconciled-nothing": "The platform gave no proof; the doubt stays for a person to settle.",
    "paused": "Paused: nothing more is sent.",
    "resumed": "It goes on.",
    "paced": "The pace has changed.",
    "revoked": "The key has ended for good.",
    "replayed": "The callback is sent again.",
}
CANCEL: Final = Confirmation("Cancel this launch?", "It is never sent. This cannot be undone.", "Cancel the launch")
CANCEL_BATCH: Final = Confirmation(
    "Cancel this batch?", "Rows that were not sent yet are never sent. This cannot be undone.", "Cancel the batch"
)
START: Final = Confirmation(
    "Start this batch?", "Its rows are launched, one flow each. What was sent cannot be called back.", "Start the batch"
)
RETRY_BATCH: Final = Confirmation(
    "Send failed and refused rows again?", "Each of them is launched anew, as a new attempt.", "Send them again"
)
LAUNCHED: Final = Confirmation(
    "It was launched?", "It counts as sent from now on, and is not sent again. This is recorded with your name.",
    "It was launched",
)  # fmt: skip
ABSENT: Final = Confirmation(
    "It was not launched?",
    "It is sent again. If it did run after all, its flow runs twice. This is recorded with your name.",
    "It was not: send it again",
)
ROTATE: Final = Confirmation(
    "Give this key a new secret?", "The present one works for another day. The new one is shown once.", "Rotate the key"
)
REVOKE: Final = Confirmation(
    "End this key for good?", "Apps that use it are refused at once. This cannot be undone.", "Revoke the key"
)


def gateway_site(state: GatewayState, pulse: Pulse) -> Site:
    """Build the site of a gateway."""
    entry = Entry(state)
    options = state.options

    def shared(request: Request) -> Mapping[str, Any]:
        del request
        return {"title_of": title_of, "route_title": route_title}

    names = HostNames([*options.allowed_hosts, options.host])
    is_open = "*" in options.allowed_hosts
    return Site(
        name="Gateway",
        base="",
        templates=FOLDER / "templates",
        guard=Guard(lambda host: is_open or host in names, SECRET),
        views=_views(state, pulse, entry),
        actions=_actions(state, entry),
        menu=MENU,
        version=pulse.version,
        messages=MESSAGES,
        visitor_of=entry.visitor_of,
        sign_in="/sign-in",
        shared=shared,
        style=_style(state),
        files=_files(),
        explain=_explained,
    )


def _views(state: GatewayState, pulse: Pulse, entry: Entry) -> tuple[View, ...]:
    launches, batches, keys, callbacks = LaunchPages(state), BatchPages(state), KeyPages(state), CallbackPages(state)
    uploads, webhooks = UploadPages(state), WebhookPages(state)
    return (
        View("/", Overview(state, pulse).show, "read"),
        View("/launches", launches.index, "read"),
        View("/launches/{launch_id}", launches.show, "read"),
        View("/batches", batches.index, "read"),
        View("/batches/new", uploads.show, "operate"),
        View("/batches/{batch_id:int}", batches.show, "read"),
        View("/batches/{batch_id:int}/results.csv", batches.results, "operate"),
        View("/routes", batches.routes, "read"),
        View("/routes/{route}", batches.route, "read"),
        View("/webhooks", webhooks.index, "read"),
        View("/callbacks", callbacks.index, "read"),
        View("/callbacks/{delivery_id}", callbacks.show, "read"),
        View("/keys", keys.index, "admin"),
        View("/audit", keys.audit, "admin"),
        View("/settings", SystemPages(state).show, "read"),
        View("/sign-in", entry.show, is_public=True),
    )


def _actions(state: GatewayState, entry: Entry) -> tuple[Action, ...]:
    launches, batches, keys, callbacks = LaunchPages(state), BatchPages(state), KeyPages(state), CallbackPages(state)
    uploads, webhooks = UploadPages(state), WebhookPages(state)
    one, batch, route = "/launches/{launch_id}", "/batches/{batch_id:int}", "/routes/{route}"
    return (
        Action("cancel", f"{one}/cancel", launches.cancel, "operate", CANCEL),
        Action("retry", f"{one}/retry", launches.retry, "operate"),
        Action("release", f"{one}/release", launches.release, "operate"),
        Action("settle-launched", f"{one}/settle-launched", launches.settle_launched, "operate", LAUNCHED),
        Action("settle-absent", f"{one}/settle-absent", launches.settle_absent, "operate", ABSENT),
        Action("reconcile", f"{one}/reconcile", launches.reconcile, "operate"),
        Action("reveal", f"{one}/reveal", launches.reveal, "operate"),
        Action("upload", "/batches/new", uploads.send, "operate", takes_file=True),
        Action("batch-start", f"{batch}/start", batches.start, "operate", START),
        Action("batch-reveal", f"{batch}/reveal", batches.reveal, "operate"),
        Action("batch-pause", f"{batch}/pause", batches.pause, "operate"),
        Action("batch-resume", f"{batch}/resume", batches.resume, "operate"),
        Action("batch-pace", f"{batch}/pace", batches.pace, "operate"),
        Action("batch-retry", f"{batch}/retry", batches.retry, "operate", RETRY_BATCH),
        Action("batch-reconcile", f"{batch}/reconcile", batches.reconcile, "operate"),
        Action("batch-cancel", f"{batch}/cancel", batches.cancel, "operate", CANCEL_BATCH),
        Action("route-pause", f"{route}/pause", batches.pause, "operate"),
        Action("route-resume", f"{route}/resume", batches.resume, "operate"),
        Action("route-pace", f"{route}/pace", batches.pace, "operate"),
        Action("route-retry", f"{route}/retry", batches.retry, "operate", RETRY_BATCH),
        Action("route-reconcile", f"{route}/reconcile", batches.reconcile, "operate"),
        Action("replay-message", "/webhooks/{hook}/replay", webhooks.replay, "operate"),
        Action("replay", "/callbacks/{delivery_id}/replay", callbacks.replay, "operate"),
        Action("create-key", "/keys", keys.create, "admin"),
        Action("rotate-key", "/keys/{key_id}/rotate", keys.rotate, "admin", ROTATE),
        Action("revoke-key", "/keys/{key_id}/revoke", keys.revoke, "admin", REVOKE),
        Action("sign-in", "/sign-in", entry.sign_in, is_public=True),
        Action("sign-out", "/sign-out", entry.sign_out),
    )


@cache
def _files() -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((FOLDER / "assets").iterdir())}


def _style(state: GatewayState) -> str:
    return f".picture{{\n{state.drawings.style()}}}\n" if state.drawings is not None else ""


def _explained(error: Exception) -> PageError | None:
    """Tell a problem of the API as a page."""
    if isinstance(error, Problem):
        return PageError(error.status, error.title, error.detail)
    if isinstance(error, FlowlaunchError):
        told = problem_of(error)
        return PageError(told.status, told.title, error.message, error.hint or "")
    return None
