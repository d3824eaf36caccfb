"""Routes as read: every mistake of the file told at once, or a set of routes that is whole."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._core.suggest import suggest
from flowlaunch.batch.mapping.spec import MappingSpec, check_forms
from flowlaunch.errors import InputError, SettingsError
from flowlaunch.gateway.routing.mapping import check_mapping
from flowlaunch.gateway.routing.rules import RouteRules
from flowlaunch.gateway.routing.spec import QuotaSpec, RoutesFile, RouteSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["DIRECT", "Route", "Routes", "changes", "read_routes"]

DIRECT: Final = "flow:"
"""Starts the name of the route that a launch by flow takes; no route of the file has such a name."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a flow.

    Attributes:
        mapping: the way from the request's input to the flow's; None: the input goes as it is.
        rules: what may go, and when; None: everything, at once.

    """

    name: str
    spec: RouteSpec
    mapping: MappingSpec | None = None
    rules: RouteRules | None = None

    def takes(self, key_name: str) -> bool:
        """Whether the key of that name may launch by it."""
        return self.spec.callers is None or any(fnmatch.fnmatchcase(key_name, one) for one in self.spec.callers)


@dataclass(frozen=True, slots=True)
class Routes:
    """One reading of the routes file.

    Attributes:
        any_flow: whether launches may name a flow instead of a route.
        hooks: the tables of webhooks, by name, as written.

    """

    by_name: Mapping[str, Route] = field(default_factory=dict)
    any_flow: bool = True
    hooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def direct(self, flow_id: str) -> Route:
        """Return the route that launches by flow take."""
        return Route(f"{DIRECT}{flow_id}", RouteSpec(flow=flow_id))


def changes(before: Routes, after: Routes) -> dict[str, list[str]]:
    """Return the names that were `added`, `removed` and `changed`; webhooks have `hooks.` before theirs."""
    was, now = _named(before), _named(after)
    told = {
        "added": sorted(now.keys() - was.keys()),
        "removed": sorted(was.keys() - now.keys()),
        "changed": sorted(name for name in was.keys() & now.keys() if was[name] != now[name]),
    }
    return {what: names for what, names in told.items() if names}


def _named(routes: Routes) -> dict[str, object]:
    named: dict[str, object] = {name: route.spec for name, route in routes.by_name.items()}
    return named | {f"hooks.{name}": table for name, table in routes.hooks.items()} | {"any_flow": routes.any_flow}


def read_routes(path: Path, now_us: int) -> Routes:
    """Return the routes that a file writes.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; the message lists every mistake.

    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, [error.strerror or str(error)]) from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, [f"it is no TOML ({_because(error)})"]) from error
    try:
        whole = msgspec.convert(document, RoutesFile)
    except msgspec.ValidationError as error:
        raise _wrong(path, [_told(error, document, RoutesFile)]) from error
    routes, mistakes = {}, []
    for name, table in whole.routes.items():
        try:
            routes[name] = _route(name, table, path.parent, now_us)
        except (InputError, ValueError) as error:
            mistakes.append(f"[routes.{name}] {_plain(error)}")
    if mistakes:
        raise _wrong(path, mistakes)
    return Routes(routes, whole.any_flow, whole.hooks)


def _route(name: str, table: dict[str, Any], folder: Path, now_us: int) -> Route:
    if not _NAME.fullmatch(name):
        raise InputError("a name has lower-case letters, digits and . _ - only, 63 at most")
    try:
        spec = msgspec.convert(table, RouteSpec)
    except msgspec.ValidationError as error:
        raise InputError(_told(error, table, RouteSpec)) from error
    check_forms(spec.values)
    _check_numbers(spec)
    mapping = None
    if spec.map or spec.set or {"row", "values", "by_name"} & table.keys():
        mapping = MappingSpec(map=spec.map, set=spec.set, row=spec.row, values=spec.values, by_name=spec.by_name)
    rules = RouteRules(spec.rules, folder, spec.values.default_region, now_us)
    route = Route(name, spec, mapping, None if rules.is_empty else rules)
    check_mapping(route)
    return route


def _check_numbers(spec: RouteSpec) -> None:
    quota = {name: getattr(spec.quota, name) for name in QuotaSpec.__struct_fields__}
    least_one = {"max_waiting": spec.max_waiting, "concurrency": spec.concurrency, **quota}
    wrong = [f"{name} is below 1" for name, value in least_one.items() if value is not None and value < 1]
    if not 1 <= spec.priority <= 9:
        wrong.append("priority is not between 1 and 9")
    if not spec.flow.strip():
        wrong.append("flow is empty")
    if wrong:
        raise InputError("; ".join(wrong))


def _told(error: msgspec.ValidationError, table: Mapping[str, Any], kind: type[msgspec.Struct]) -> str:
    known = kind.__struct_fields__
    strange = next((name for name in table if name not in known), None)
    if strange is None:
        return str(error)
    meant = suggest(strange, known)
    return f"{strange} is not known" + (f": did you mean {meant}?" if meant else f"; known are {', '.join(known)}")


def _because(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _plain(error: Exception) -> str:
    return f"{error.message} {error.hint}".strip() if isinstance(error, InputError) else str(error)


def _wrong(path: Path, mistakes: list[str]) -> SettingsError:
    told = "".join(f"\n  - {one}" for one in mistakes)
    return SettingsError(
        f"read the routes in {path}:{told}", code="routes-file", hint="See docs/reference/gateway-routes.md."
    )
