"""World files: one organization as YAML. `docs/reference/sandbox.md` describes every section."""

from __future__ import annotations

import dataclasses
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import yaml

from flowlaunch.architect.dialect import Dialect
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.rules import Rules
from flowlaunch.architect.stubs.parse import read_stubs
from flowlaunch.architect.stubs.places import Document
from flowlaunch.errors import FlowError, FlowStubError, SandboxError
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.permissions import grant
from flowlaunch.sandbox.publishing import add_version
from flowlaunch.sandbox.things import read_things
from flowlaunch.sandbox.world import (
    Division,
    FlowRecord,
    OAuthClient,
    Organization,
    User,
    World,
)
from flowlaunch.sandbox.world_schema import FLOW_TYPES, GRANTS, START_EVENTS, check_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.stubs.model import Stubs

__all__ = ["build_world", "read_world"]

Switches = TypeVar("Switches", Rules, Dialect)
_ANSWERS = frozenset({"actions", "data_actions", "tables", "decision_tables"})


def build_world(given: Path | Mapping[str, Any] | None, now: float) -> World:
    """Build the world of a file or mapping; a section that it leaves out is taken from the built-in world."""
    here: Traversable = files("flowlaunch.sandbox").joinpath("flows")
    base = read_world(here.joinpath("world.yaml").read_text("utf-8"), "built-in world")
    if given is None:
        return _build(base, base, here, here, now, "built-in world")
    if isinstance(given, Path):
        try:
            text = given.read_text("utf-8")
        except OSError as error:
            raise SandboxError(f"cannot read the world file {given}: {error.strerror or error}") from error
        return _build(read_world(text, str(given)), base, given.parent, here, now, str(given))
    return _build(dict(given), base, Path(), here, now, "the given world")


def read_world(text: str, name: str) -> dict[str, Any]:
    """Parse a world file; raises SandboxError with the place of the mistake."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SandboxError(f"{name} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SandboxError(
            f"{name} holds a {type(document).__name__}, not sections", hint="See docs/reference/sandbox.md."
        )
    return document


def _build(
    given: dict[str, Any], base: dict[str, Any], folder: Path | Traversable, base_folder: Traversable,
    now: float, name: str,
) -> World:  # fmt: skip
    check_entry(given, "world", name)
    merged = {**base, **given}
    roles = {**base.get("roles", {}), **(given.get("roles") or {})}
    organization = check_entry(merged["organization"], "organization", name)
    divisions = {d.id: d for d in (_division(each, name) for each in _rows(merged, "divisions"))}
    if divisions and not {"flows", "clients"} <= given.keys():  # those built in speak of divisions built in
        known = {division.name for division in divisions.values()}
        built_in = [_division(each, name) for each in base["divisions"]]
        divisions |= {division.id: division for division in built_in if division.name not in known}
    if not divisions:
        raise SandboxError(f"{name}: there must be one division at least", hint="Add `divisions: [{name: Home}]`.")
    world = World(
        Organization(str(organization.get("id") or fixed_id("organization")), str(organization.get("name", "Sandbox"))),
        divisions, {}, {},
    )  # fmt: skip
    language = check_entry(merged.get("language") or {}, "language", name)
    world.rules = _switches(Rules, language.get("rules") or {}, f"{name}, rules")
    world.dialect = _switches(Dialect, language.get("dialect") or {}, f"{name}, dialect")
    world.slots = {str(slot): str(value) for slot, value in (merged.get("slots") or {}).items()}
    _people(world, merged, roles, name)
    answers = _answers(merged, folder if _ANSWERS & given.keys() else base_folder, name)
    world.stubs, world.action_stubs = answers.data_actions, answers.actions
    world.things = read_things(merged, world.users.values(), name)
    world.things.tables, world.things.decision_tables = dict(answers.tables), dict(answers.decision_tables)
    flow_folder = folder if "flows" in given else base_folder
    for each in _rows(merged, "flows"):
        _add_flow(world, each, flow_folder, now, name)
    return world


def _answers(merged: Mapping[str, Any], folder: Path | Traversable, name: str) -> Stubs:
    """Read the sections that a world file shares with the stub files of offline runs."""
    shared = {section: merged[section] for section in sorted(_ANSWERS & merged.keys())}
    try:
        return read_stubs(Document(name, None, shared), lambda file: folder.joinpath(file).read_text("utf-8"))
    except FlowStubError as error:
        raise SandboxError(error.message, hint=error.hint) from error


def _switches(kind: type[Switches], given: Mapping[str, Any], place: str) -> Switches:
    """Read switches of the flow language; each is a field of `kind`, with its own choices."""
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [field for field in given if field not in known]
    if unknown:
        raise SandboxError(f"{place}: there is no switch `{unknown[0]}`", hint=f"Known: {', '.join(known)}.")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise SandboxError(
            f"{place}: {error}", hint="docs/reference/language-fidelity*.md list the switches."
        ) from error


def _people(world: World, merged: dict[str, Any], roles: Mapping[str, Any], name: str) -> None:
    for each in _rows(merged, "users"):
        user = _user(check_entry(each, "user", name), world, roles, name)
        world.users[user.id] = user
    for each in _rows(merged, "clients"):
        client = _client(check_entry(each, "client", name), world, roles, name)
        world.clients[client.id] = client


def _rows(merged: Mapping[str, Any], section: str) -> list[Any]:
    return list(merged.get(section) or [])


def _need(entry: Mapping[str, Any], key: str, kind: str, name: str) -> str:
    if entry.get(key) in (None, ""):
        raise SandboxError(f"{name}: a {kind} lacks `{key}`: {dict(entry)}")
    return str(entry[key])


def _division(each: Any, name: str) -> Division:
    entry = check_entry(each, "division", name)
    title = _need(entry, "name", "division", name)
    return Division(str(entry.get("id") or fixed_id("division", title)), title)


def _assignments(
    entry: Mapping[str, Any], world: World, roles: Mapping[str, Any], name: str
) -> Iterable[tuple[str, tuple[str, ...], frozenset[str] | None]]:
    for each in entry.get("roles") or []:
        given = {"role": each} if isinstance(each, str) else check_entry(each, "role assignment", name)
        role = _need(given, "role", "role assignment", name)
        if not isinstance(roles.get(role, []), list):
            raise SandboxError(f"{name}: role `{role}` must be a list of permissions, not {roles[role]!r}")
        if role not in roles:
            raise SandboxError(f"{name}: role `{role}` is not defined", hint=f"Known: {', '.join(sorted(roles))}.")
        wanted = given.get("divisions", ["*"])
        yield role, tuple(map(str, roles[role])), None if "*" in wanted else _division_ids(world, wanted, name)


def _division_ids(world: World, wanted: Iterable[str], name: str) -> frozenset[str]:
    return frozenset(_find_division(world, each, name).id for each in wanted)


def _find_division(world: World, wanted: str, name: str) -> Division:
    found = world.division(str(wanted))
    if found is None:
        known = ", ".join(division.name for division in world.divisions.values())
        raise SandboxError(f"{name}: division `{wanted}` is not defined", hint=f"Known: {known}.")
    return found


def _client(entry: dict[str, Any], world: World, roles: Mapping[str, Any], name: str) -> OAuthClient:
    assigned = list(_assignments(entry, world, roles, name))
    grants = tuple(str(each).upper() for each in entry.get("grants", ["CLIENT-CREDENTIALS"]))
    unknown = [each for each in grants if each not in GRANTS]
    if unknown:
        raise SandboxError(f"{name}: grant `{unknown[0]}` is not emulated", hint=f"Known: {', '.join(GRANTS)}.")
    client_id = _need(entry, "id", "client", name)
    return OAuthClient(
        id=client_id,
        secret=str(entry.get("secret", "")),
        name=str(entry.get("name", client_id)),
        grants=grants,
        rights=grant((patterns, divisions) for _, patterns, divisions in assigned),
        scopes=tuple(entry.get("scopes") or ()),
        role_divisions=tuple(
            (fixed_id("role", role), division)
            for role, _, divisions in assigned
            for division in (sorted(divisions) if divisions is not None else ["*"])
        ),
        redirect_uris=tuple(entry.get("redirect_uris") or ()),
        token_life_s=entry.get("token_life_s"),
    )


def _user(entry: dict[str, Any], world: World, roles: Mapping[str, Any], name: str) -> User:
    email = _need(entry, "email", "user", name)
    return User(
        id=str(entry.get("id") or fixed_id("user", email)),
        name=str(entry.get("name", email)),
        email=email,
        rights=grant((patterns, divisions) for _, patterns, divisions in _assignments(entry, world, roles, name)),
        properties=entry.get("properties") or {},
    )


def _add_flow(world: World, each: Any, folder: Path | Traversable, now: float, name: str) -> None:
    entry = check_entry(each, "flow", name)
    texts = [_read_flow(folder, str(file), name) for file in _flow_files(entry)]
    loaded = [
        (text, _load(text, file, name, {**world.slots, **(entry.get("slots") or {})}, world.dialect))
        for file, text in texts
    ]
    first = loaded[-1][1] if loaded else None
    flow_type = str(entry.get("type") or (first.type if first else "workflow")).upper()
    if flow_type not in FLOW_TYPES:
        raise SandboxError(f"{name}: flow type `{entry['type']}` is unknown", hint="Types are those of the API.")
    start_event = str(entry.get("start_event") or "specific")
    if start_event not in START_EVENTS:
        raise SandboxError(f"{name}: start_event `{start_event}` is not one of {', '.join(START_EVENTS)}")
    title = str(entry.get("name") or (first.name if first else _need(entry, "name", "flow", name)))
    division = _find_division(world, entry.get("division") or world.home.name, name)
    record = FlowRecord(
        id=str(entry.get("id") or fixed_id("flow", flow_type, division.id, title)),
        name=title,
        type=flow_type,
        division=division,
        description=str(entry.get("description") or (first.description if first else "")),
        is_active=bool(entry.get("active", True)),
        is_deleted=bool(entry.get("deleted", False)),
        start_event=start_event,
        is_shared=bool(entry.get("shared", False)),
        required=tuple(map(str, entry["required"])) if entry.get("required") is not None else None,
    )
    world.flows[record.id] = record
    published = bool(entry.get("published", True))
    for text, program in loaded:
        add_version(record, text, now, program=program, published=published)
    if not loaded:
        add_version(record, "", now, published=published)


def _flow_files(entry: Mapping[str, Any]) -> list[Any]:
    if entry.get("versions"):
        return list(entry["versions"])
    return [entry["file"]] if entry.get("file") else []


def _read_flow(folder: Path | Traversable, file: str, name: str) -> tuple[str, str]:
    try:
        return file, folder.joinpath(file).read_text("utf-8")
    except OSError as error:
        raise SandboxError(f"{name}: cannot read the flow file {file}: {error.strerror or error}") from error


def _load(text: str, file: str, name: str, slots: Mapping[str, str], dialect: Dialect) -> Flow:
    try:
        return load_flow(text, name=file, slots=slots, dialect=dialect)
    except FlowError as error:
        raise SandboxError(f"{name}: the flow file {file} cannot be loaded:\n{error}") from error
