"""Receive webhooks: verify, know a message that was seen, launch by the route, remember what became of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from jmespath.exceptions import JMESPathError

from flowlaunch.batch.ledger.privacy_edges import ERASED as BLANK
from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.access import Caller
from flowlaunch.gateway.api.problems import Problem, problem_of
from flowlaunch.gateway.hooks.schemes import Forged, Stale, message_id_of
from flowlaunch.gateway.hooks.spec import Hook, read_hooks
from flowlaunch.gateway.launches.launching import ERASED
from flowlaunch.gateway.launches.ordering import Ask
from flowlaunch.gateway.store import audit, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.gateway.callbacks.targets import Rules
    from flowlaunch.gateway.routing.routes import Routes
    from flowlaunch.gateway.store.launches import Accepted
    from flowlaunch.gateway.store.messages import MessageRecord

__all__ = ["Hooks", "Received"]

FINAL: Final = frozenset({400, 403, 409, 413, 415, 422})
"""Answers to a message that it will get again if nothing is changed; others ask the sender for patience."""
REUSED: Final = "key-reused"
"""What a launch is refused for whose idempotency key, here the message's id, has another body."""
LAUNCHES: Final = frozenset({"launch"})
logger = logging.getLogger("flowlaunch.gateway.hooks")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message; without a launch it was not one to launch."""

    message_id: str
    launch_id: str | None
    is_repeat: bool = False


class Launching(Protocol):
    """Takes launches: the gateway's Launcher."""

    async def launch(self, ask: Ask, caller: Caller) -> Accepted:
        """Return the launch once it is on the disk."""
        ...


class Hooks:
    """The webhooks in force."""

    def __init__(
        self, store: Store, launcher: Launching, rules: Rules, environment: Mapping[str, str], routes: Routes
    ) -> None:
        self._store, self._launcher = store, launcher
        self._rules, self._environment = rules, environment
        self.by_name: Mapping[str, Hook] = {}
        self.prepared(routes)()

    def prepared(self, routes: Routes) -> Callable[[], None]:
        """Return what puts the webhooks of a routes file into force; SettingsError when one of them is wrong."""
        hooks = read_hooks(routes.hooks, routes=routes.by_name, rules=self._rules, environment=self._environment)

        def put() -> None:
            self.by_name = hooks

        return put

    def named(self, name: str) -> Hook:
        """Return the webhook of that name; Problem 404 when there is none."""
        hook = self.by_name.get(name)
        if hook is None:
            raise Problem(
                404, "hook-unknown", "There is no such webhook", "The routes file has no webhook of this name."
            )
        return hook

    async def receive(self, hook: Hook, headers: Mapping[str, str], body: bytes, trace: str = "") -> Received:
        """Take a message in and return the launch that it became, once that is on the disk.

        Raises:
            Problem: 401 forged or stale; 409 its id came before with another content; 422 and others as for a launch.

        """
        try:
            signed = hook.scheme.verify(headers, body, self._store.now_us() / 1e6)
        except Forged:
            told = "webhook %s: a message without a good signature was refused"
            logger.warning(told, hook.name, extra={"hook": hook.name})
            raise _unsigned("The signature is missing or wrong.") from None
        except Stale as stale:
            logger.warning("webhook %s: %s; it was refused", hook.name, stale, extra={"hook": hook.name})
            raise _unsigned(f"{str(stale).capitalize()}; at most {hook.spec.tolerance_s} s are taken.") from None
        try:
            document = _document(body)
        except Problem as problem:
            await self._refused(hook, message_id_of(signed, hook.scheme, None, body), body, problem)
            raise
        message_id = message_id_of(signed, hook.scheme, document, body)
        return await self._launched(hook, message_id, document, body, trace)

    async def replay(self, hook: Hook, message_id: str, who: Caller) -> Received:
        """Take in a message that was refused, from its kept body, as if it had come now.

        Raises:
            Problem: 404 it is not known; 409 it was launched, its body was not kept, or it is not one to launch.

        """
        known = await asyncio.to_thread(messages.find, self._store, hook.name, message_id)
        if known is None:
            raise Problem(404, "message-unknown", "There is no such message", "No message of this id came.")
        if known.launch_id is not None:
            raise Problem(
                409, "message-launched", "The message was launched",
                f"It became the launch {known.launch_id}: retry that instead.", launch_id=known.launch_id,
            )  # fmt: skip
        body = await asyncio.to_thread(messages.body_of, self._store, hook.name, message_id)
        if body is None:
            raise Problem(
                409, "body-not-kept", "The message was not kept",
                "Only its hash is there. Have the sender send it again, and set keep_body for the next ones.",
            )  # fmt: skip
        await asyncio.to_thread(audit.record, self._store, who, "webhook.replay", f"{hook.name}/{message_id}")
        got = await self._launched(hook, message_id, _document(body), body, "")
        if got.launch_id is None:
            raise Problem(
                409, "message-passed-over", "The message is not one to launch",
                "It was genuine, and the webhook's `when` passes it over, now as when it came. Nothing was launched.",
            )  # fmt: skip
        return got

    async def _launched(self, hook: Hook, message_id: str, document: Any, body: bytes, trace: str) -> Received:
        digest = hashlib.sha256(body).hexdigest()
        known = await asyncio.to_thread(messages.find, self._store, hook.name, message_id)
        if known is not None and known.launch_id is not None:
            return await self._repeated(hook, known, digest)
        try:
            ask = _ask(hook, message_id, document, trace)
            launch_id, is_repeat = None, known is not None
            if ask is not None:
                accepted = await self._launcher.launch(ask, Caller(hook.key_id, hook.key_id, LAUNCHES))
                launch_id, is_repeat = accepted.launch.id, accepted.is_repeat
        except (Problem, FlowlaunchError) as error:
            problem = error if isinstance(error, Problem) else problem_of(error)
            if problem.slug == ERASED:  # it was launched once and whom it names was forgotten: nothing of it is kept
                return Received(message_id, problem.extension["launch_id"], is_repeat=True)
            if problem.slug == REUSED:  # as for one that comes later
                problem = _reused(message_id)
            await self._refused(hook, message_id, body, problem)
            if problem is not error and isinstance(error, Problem):
                raise problem from error
            raise
        await self._record(hook, message_id, digest, launch_id, "", body if hook.spec.keep_body else None)
        return Received(message_id, launch_id, is_repeat)

    async def _repeated(self, hook: Hook, known: MessageRecord, digest: str) -> Received:
        if known.body_sha256 not in {digest, BLANK}:
            raise _reused(known.message_id, launch_id=known.launch_id)
        await self._record(hook, known.message_id, digest, None, "", None)
        return Received(known.message_id, known.launch_id, is_repeat=True)

    async def _refused(self, hook: Hook, message_id: str, body: bytes, problem: Problem) -> None:
        """Write down a refusal that the sender would get again; others are not held against the message."""
        if problem.status in FINAL:
            kept = body if hook.spec.keep_body else None
            await self._record(hook, message_id, hashlib.sha256(body).hexdigest(), None, _said(problem), kept)

    async def _record(
        self, hook: Hook, message_id: str, digest: str, launch_id: str | None, problem: str, body: bytes | None
    ) -> None:
        await asyncio.to_thread(
            messages.record, self._store, hook.name, message_id, body_sha256=digest, launch_id=launch_id,
            problem=problem, body=body,
        )  # fmt: skip


def _ask(hook: Hook, message_id: str, document: Any, trace: str) -> Ask | None:
    """Return the launch that a message asks for; None when it is not one to launch."""
    try:
        if not hook.wants(document):
            return None
        given = hook.input_of(document)
    except JMESPathError as error:
        raise Problem(
            422, "message-unfit", "The message does not fit the webhook",
            f"The webhook's `when` or `input` cannot be applied to it: {str(error).splitlines()[0]}",
        ) from error  # fmt: skip
    return Ask(route=hook.spec.route, input=given, key=message_id, callback_url=hook.spec.callback, trace=trace)


def _said(problem: Problem) -> str:
    """Return why a message was refused, with each thing that is wrong with it."""
    wrong = [one["message"] for one in problem.extension.get("problems", ())]
    return f"{problem.detail}: {'; '.join(wrong)}" if wrong else problem.detail


def _document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "body-malformed", "The body is no JSON", "The message is genuine, but no JSON.") from error


def _reused(message_id: str, **extension: Any) -> Problem:
    became = f"became the launch {extension['launch_id']}" if extension else "came a moment ago"
    return Problem(
        409, "message-reused", "The message id came before with another content",
        f"{message_id} {became}. Nothing was launched now.", **extension,
    )  # fmt: skip


def _unsigned(detail: str) -> Problem:
    return Problem(401, "signature", "The message is not taken", detail)
