"""What the routes file says about webhooks, read and checked; every mistake is told at once.

::

    [hooks.crm]
    route = "callback"
    secrets = ["env:CRM_HOOK_SECRET"]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from flowlaunch._core.suggest import suggest
from flowlaunch.errors import InputError, SettingsError
from flowlaunch.gateway.callbacks.targets import target_of
from flowlaunch.gateway.hooks.schemes import PARTS, HmacScheme, Scheme, StandardScheme
from flowlaunch.gateway.references import read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.gateway.callbacks.targets import Rules

__all__ = ["HmacSpec", "Hook", "HookSpec", "read_hooks"]

KEY_PREFIX: Final = "hook:"
"""Before a webhook's name, where other callers have the name and id of their key."""
MOST_BYTES: Final = 10_000_000
LONGEST_TOLERANCE_S: Final = 3_600
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_PART: Final = re.compile(r"\{(\w*)\}")


class HmacSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signature that is an HMAC in a header.

    Attributes:
        header: the header with the signature; `prefix` is text before it, such as `sha256=`.
        field: the signature's name in a header of the form `t=1,v1=abc`; `timestamp_field`: the instant's.
        encoding: how the signature is written.
        signs: what is signed: `{body}`, `{timestamp}.{body}`, `v0:{timestamp}:{body}` …
        timestamp: the header with the instant, in seconds since 1970; it must be part of what is signed.
        id: the header with the message's id, which must be part of what is signed; or
        id_path: where the body has it (JMESPath). With neither, messages of the same content are one message.

    """

    header: str
    prefix: str = ""
    field: str | None = None
    timestamp_field: str | None = None
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signs: str = "{body}"
    timestamp: str | None = None
    id: str | None = None
    id_path: str | None = None


class HookSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One webhook.

    Attributes:
        route: the route that its messages take; a route that lists callers must list `hook:<name>`.
        secrets: where the secrets are (`env:NAME`, `file:PATH`, `keyring:NAME`); a message signed with any is taken,
            so that a secret is changed by adding the new one, then taking the old one away.
        hmac: how messages are signed when not as Standard Webhooks.
        when: JMESPath: only messages for which it holds are launched; others are answered and passed over.
        input: JMESPath: the part of the message that the route gets; None: all of it.
        callback: an address that is told how the launch ended.
        tolerance_s: how far a message's instant may lie from ours.
        keep_body: keep the raw body of messages, so that one that was refused can be replayed.

    """

    route: str
    secrets: tuple[str, ...]
    hmac: HmacSpec | None = None
    when: str | None = None
    input: str | None = None
    callback: str | None = None
    tolerance_s: int = 300
    max_bytes: int = 262_144
    keep_body: bool = False


class Hook:
    """A webhook ready to receive: its settings, and how its messages are verified."""

    def __init__(self, name: str, spec: HookSpec, scheme: Scheme) -> None:
        self.name = name
        self.spec = spec
        self.scheme = scheme
        self._when = jmespath.compile(spec.when) if spec.when else None
        self._input = jmespath.compile(spec.input) if spec.input else None

    @property
    def key_id(self) -> str:
        """Who its launches are made by."""
        return f"{KEY_PREFIX}{self.name}"

    def wants(self, document: Any) -> bool:
        """Tell whether a message is one to launch."""
        return self._when is None or bool(self._when.search(document))

    def input_of(self, document: Any) -> Any:
        """Return what the route gets of a message."""
        return document if self._input is None else self._input.search(document)


class Taking(Protocol):
    """A route, as far as a webhook needs to know it."""

    def takes(self, key_name: str) -> bool:
        """Whether a caller of that name may launch by it."""
        ...


def read_hooks(
    tables: Mapping[str, Mapping[str, Any]],
    *,
    routes: Mapping[str, Taking],
    rules: Rules,
    environment: Mapping[str, str],
) -> dict[str, Hook]:
    """Read the tables of `[hooks.<name>]`, with the secrets that they name.

    Raises:
        SettingsError: something is wrong; the message lists every mistake and shows no secret.

    """
    hooks, mistakes = {}, []
    for name, table in tables.items():
        try:
            hooks[name] = _hook(name, table, routes, rules, environment)
        except (InputError, SettingsError) as error:
            mistakes.append(f"[hooks.{name}] {error.message} {error.hint}".strip())
    if mistakes:
        raise SettingsError(
            "read the webhooks:" + "".join(f"\n  - {one}" for one in mistakes),
            code="hooks-file",
            hint="See docs/how-to/receive-a-webhook.md.",
        )
    return hooks


def _hook(
    name: str, table: Mapping[str, Any], routes: Mapping[str, Taking], rules: Rules, environment: Mapping[str, str]
) -> Hook:
    if not _NAME.fullmatch(name):
        raise InputError("a name has lower-case letters, digits and . _ - only, 50 at most")
    spec = _converted(table)
    mistakes = [*_mistakes(name, spec, routes), *(_hmac_mistakes(spec.hmac) if spec.hmac is not None else ())]
    if mistakes:
        raise InputError("; ".join(mistakes))
    if spec.callback is not None:
        target_of(spec.callback, rules)
    secrets = [read_secret(one, environment, f"secret {n} of the webhook") for n, one in enumerate(spec.secrets, 1)]
    if spec.hmac is None:
        return Hook(name, spec, StandardScheme(secrets, spec.tolerance_s))
    return Hook(name, spec, HmacScheme(secrets, spec.tolerance_s, spec.hmac))


def _converted(table: Mapping[str, Any]) -> HookSpec:
    try:
        return msgspec.convert(table, HookSpec)
    except msgspec.ValidationError as error:
        known = HookSpec.__struct_fields__
        strange = next((name for name in table if name not in known), None)
        if strange is None:
            raise InputError(str(error)) from error
        meant = suggest(strange, known)
        hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known)}"
        raise InputError(f"{strange} is not known: {hint}") from error


def _mistakes(name: str, spec: HookSpec, routes: Mapping[str, Taking]) -> list[str]:
    mistakes = []
    if spec.route not in routes:
        mistakes.append(f"there is no route {spec.route!r}")
    elif not routes[spec.route].takes(f"{KEY_PREFIX}{name}"):
        mistakes.append(f"the route {spec.route!r} does not take it: add {KEY_PREFIX + name!r} to the route's callers")
    if not spec.secrets:
        mistakes.append("secrets is empty: a webhook without a signature could be sent by anybody")
    if not 1 <= spec.tolerance_s <= LONGEST_TOLERANCE_S:
        mistakes.append(f"tolerance_s is not between 1 and {LONGEST_TOLERANCE_S}")
    if not 1 <= spec.max_bytes <= MOST_BYTES:
        mistakes.append(f"max_bytes is not between 1 and {MOST_BYTES}")
    paths = {"when": spec.when, "input": spec.input, "hmac.id_path": spec.hmac.id_path if spec.hmac else None}
    for what, path in paths.items():
        try:
            jmespath.compile(path or "@")
        except JMESPathError as error:
            mistakes.append(f"{what} is no JMESPath: {str(error).splitlines()[0]}")
    return mistakes


def _hmac_mistakes(spec: HmacSpec) -> list[str]:
    parts = _PART.findall(spec.signs)
    has_instant = spec.timestamp is not None or spec.timestamp_field is not None
    wrong = (
        (set(parts) - PARTS, f"hmac.signs may name {', '.join(sorted(PARTS))} only"),
        (parts.count("body") != 1, "hmac.signs must hold {body} once"),
        (has_instant is not ("timestamp" in parts), "hmac.timestamp counts only when hmac.signs holds {timestamp}"),
        ((spec.id is not None) is not ("id" in parts), "hmac.id counts only when hmac.signs holds {id}"),
        (spec.id is not None and spec.id_path is not None, "give either hmac.id or hmac.id_path"),
        (spec.timestamp_field is not None and spec.field is None, "hmac.timestamp_field needs hmac.field"),
    )
    mistakes = [text for is_wrong, text in wrong if is_wrong]
    headers = {"hmac.header": spec.header, "hmac.timestamp": spec.timestamp, "hmac.id": spec.id}
    mistakes += [f"{what} is no header name" for what, name in headers.items() if name and not _HEADER.fullmatch(name)]
    return mistakes
