"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import InputError
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["IMPLIED", "SCOPES", "Caller", "expanded", "require", "scopes_named"]

SCOPES: Final[Mapping[str, str]] = {
    "launch": "launch flows, and read the launches made with the same key",
    "read": "read every launch, batch, flow, route and callback",
    "operate": "act: cancel, retry, reconcile, pause, replay; includes read",
    "admin": "manage keys and read the audit log; includes everything",
}
"""Scope -> what a key with it may do."""

IMPLIED: Final[Mapping[str, frozenset[str]]] = {
    "launch": frozenset({"launch"}),
    "read": frozenset({"read"}),
    "operate": frozenset({"operate", "read"}),
    "admin": frozenset(SCOPES),
}
"""Scope -> every scope it stands for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone the gateway knows: an app with a key, a person at the page, or a webhook.

    `key_id` is the key's public part, `page` for a one-time link, `hook:<name>` for a webhook; `scopes` holds the
    implied ones too.
    """

    key_id: str
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether this caller may do what `scope`, or one of several (`launch|read`), stands for."""
        return not self.scopes.isdisjoint(scope.split("|"))


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes with those that they imply; a scope of a newer version stands for nothing."""
    return frozenset().union(*(IMPLIED.get(scope, frozenset()) for scope in scopes))


def scopes_named(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes in their usual order, each once; InputError when one is unknown or there is none."""
    wanted = frozenset(scopes)
    strange = sorted(wanted - SCOPES.keys())
    if strange or not wanted:
        what = f"there is no scope {', '.join(strange)}" if strange else "a key needs a scope"
        raise InputError(what, code="key-scopes", hint=f"Scopes are {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in wanted)


def require(caller: Caller, scope: str) -> None:
    """Return when the caller may do what `scope`, or one of several, stands for; else raise Problem 403 naming it."""
    if not caller.may(scope):
        asked = scope.split("|")
        raise Problem(
            403, "scope-missing", "The key does not allow this",
            f"The key {caller.name} lacks the scope {' or '.join(f'{one}: {SCOPES[one]}' for one in asked)}.",
            scope=asked[0], scopes=asked,
        )  # fmt: skip
