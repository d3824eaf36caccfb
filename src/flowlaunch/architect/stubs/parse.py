"""Reading stub files. World files of the sandbox are stub files too: what only a sandbox needs is left alone."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.iso import parse_date_time
from flowlaunch.architect.stubs.model import ActionStub, DataActionStub, DecisionRow, Ending, Module, Stubs, StubTable
from flowlaunch.architect.stubs.places import Document, read_document
from flowlaunch.architect.stubs.reading import Reader
from flowlaunch.errors import FlowlaunchError, FlowStubError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.stubs.places import Path

    ReadFile = Callable[[str], str]

__all__ = ["FIELDS", "SECTION_KINDS", "parse_stubs", "read_stubs"]

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "stubs": (
        "now", "random", "actions", "data_actions", "tables", "decision_tables", "queues", "contacts",
        "organizations", "skills", "groups", "users", "things", "schedules", "conversations", "modules",
    ),
    "world": ("organization", "divisions", "roles", "clients", "flows", "slots", "language"),
    "action": ("key", "name", "flow", "path", "outputs", "failure", "delay_s", "sequence", "after"),
    "data action": (
        "category", "action", "inputs", "where", "outputs", "failure", "timeout", "delay_s", "sequence", "after",
    ),
    "data action answer": ("outputs", "failure", "timeout", "delay_s"),
    "answer": ("path", "outputs", "failure", "delay_s"),
    "table": ("key", "rows", "csv", "file"),
    "decision row": ("inputs", "outputs"),
    "user": ("id", "name", "email", "roles", "properties"),
    "conversation": ("id", "participant", "attributes"),
    "module": ("file", "path", "outputs"),
}  # fmt: skip
"""Fields of each part; those of `world` are read by the sandbox alone."""

SECTION_KINDS: Final = {
    "queues": "queue",
    "contacts": "externalContact",
    "organizations": "externalOrganization",
    "skills": "skill",
    "groups": "group",
}
_AFTER: Final = ("last", "cycle", "error")


def parse_stubs(text: str, name: str, read_file: ReadFile | None = None) -> Stubs:
    """Parse a stub file.

    Args:
        text: YAML.
        name: how messages call it, e.g. the file's name.
        read_file: gives the text of a file named in it, such as a CSV table; without it, naming one is an error.

    Raises:
        FlowSyntaxError: it is no YAML.
        FlowStubError: a stub is written wrong; the message names file, line and what to write.

    """
    return read_stubs(read_document(text, name), read_file)


def read_stubs(document: Document, read_file: ReadFile | None = None, *, path: Path = (), value: Any = ...) -> Stubs:
    """Read the stubs at `path` of a parsed document, or `value` in their place; raises as `parse_stubs` does."""
    given = document.value if value is ... else value
    return _StubReader(document, read_file, path).stubs(given)


class _StubReader:
    """Reads the sections of one stub file."""

    def __init__(self, document: Document, read_file: ReadFile | None, path: Path) -> None:
        self.read = Reader(document, FlowStubError)
        self.document = document
        self.read_file = read_file
        self.path = path

    def stubs(self, value: Any) -> Stubs:
        given = self.read.fields(value, self.path, "a stub file", (*FIELDS["stubs"], *FIELDS["world"]))
        return Stubs(
            actions=tuple(self._action(*entry) for entry in self._rows(given, "actions")),
            data_actions=tuple(self._data_action(*entry) for entry in self._rows(given, "data_actions")),
            tables={name: self._table(*entry) for name, entry in self._named(given, "tables")},
            decision_tables={name: self._decisions(*entry) for name, entry in self._named(given, "decision_tables")},
            kinds=self._kinds(given),
            schedules={name: self._state(*entry) for name, entry in self._named(given, "schedules")},
            conversations=self._conversations(given),
            modules={name: self._module(*entry) for name, entry in self._named(given, "modules")},
            now=self._now(given),
            random=self._random(given),
        )

    def _rows(self, given: Mapping[str, Any], section: str) -> list[tuple[Any, Path]]:
        path = (*self.path, section)
        items = self.read.items(given.get(section), path, f"section `{section}`")
        return [(item, (*path, number)) for number, item in enumerate(items)]

    def _named(self, given: Mapping[str, Any], section: str) -> list[tuple[str, tuple[Any, Path]]]:
        path = (*self.path, section)
        entries = self.read.mapping(given.get(section), path, f"section `{section}`")
        return [(name, (item, (*path, name))) for name, item in entries.items()]

    # -- actions -----------------------------------------------------------------------------------------------

    def _data_action(self, value: Any, path: Path) -> DataActionStub:
        entry = self.read.fields(value, path, "a data action", FIELDS["data action"])
        if "action" not in entry and "category" not in entry:
            raise self.read.refuse(path, "a data action names neither `action` nor `category`", "Name one of them.")
        what = f"data action {entry.get('action', '*')}"
        return DataActionStub(
            endings=self._endings(entry, path, what, self._data_ending),
            after=self._after(entry, path, what),
            place=self.document.place(path),
            category=self.read.text(entry.get("category", "*"), (*path, "category"), "the category"),
            action=self.read.text(entry.get("action", "*"), (*path, "action"), "the action"),
            inputs=self.read.conditions(entry.get("inputs"), (*path, "inputs"), f"inputs of {what}"),
            where=self.read.query(entry.get("where"), (*path, "where"), f"`where` of {what}"),
        )

    def _data_ending(self, entry: Mapping[str, Any], path: Path, what: str) -> Ending:
        given = [key for key in ("outputs", "failure", "timeout") if entry.get(key)]
        if len(given) > 1:
            hint = "Keep one of them; several answers in turn go under `sequence`."
            raise self.read.refuse((*path, given[1]), f"{what} has both {' and '.join(given)}", hint)
        delay_s = self.read.seconds(entry.get("delay_s"), (*path, "delay_s"), f"delay_s of {what}")
        if self.read.flag(entry.get("timeout"), (*path, "timeout"), f"timeout of {what}"):
            return Ending("timeout", None, delay_s)
        if entry.get("failure") is not None:
            body = self.read.mapping(entry["failure"], (*path, "failure"), f"failure of {what}")
            return Ending("failure", self.read.templated(body, (*path, "failure"), what), delay_s)
        return Ending("success", self.read.templated(entry.get("outputs"), (*path, "outputs"), what), delay_s)

    def _action(self, value: Any, path: Path) -> ActionStub:
        entry = self.read.fields(value, path, "an action", FIELDS["action"])
        if "key" not in entry and "name" not in entry:
            raise self.read.refuse(path, "an action names neither `key` nor `name`", "Write `name: Find the queue`.")
        what = f"action {entry.get('name', entry.get('key'))}"
        return ActionStub(
            endings=self._endings(entry, path, what, self._ending),
            after=self._after(entry, path, what),
            place=self.document.place(path),
            **{word: self.read.text(entry.get(word, "*"), (*path, word), word) for word in ("key", "name", "flow")},
        )

    def _ending(self, entry: Mapping[str, Any], path: Path, what: str) -> Ending:
        delay_s = self.read.seconds(entry.get("delay_s"), (*path, "delay_s"), f"delay_s of {what}")
        if entry.get("failure") is not None:
            body = self.read.mapping(entry["failure"], (*path, "failure"), f"failure of {what}")
            return Ending("failure", self.read.templated(body, (*path, "failure"), what), delay_s)
        if entry.get("path") is None:
            raise self.read.refuse(
                path, f"{what} does not say how it ends", "Write `path: found` (or another path), or `failure: {...}`."
            )
        body = self.read.templated(entry.get("outputs"), (*path, "outputs"), what)
        return Ending(self.read.text(entry["path"], (*path, "path"), f"path of {what}"), body, delay_s)

    def _endings(self, entry: dict[str, Any], path: Path, what: str, read_one: Any) -> tuple[Ending, ...]:
        if entry.get("sequence") is None:
            return (read_one(entry, path, what),)
        beside = [key for key in ("outputs", "failure", "timeout", "path", "delay_s") if key in entry]
        if beside:
            raise self.read.refuse(
                (*path, beside[0]), f"{what} has `{beside[0]}` beside `sequence`", "Move it into the sequence."
            )
        known = FIELDS["data action answer" if read_one == self._data_ending else "answer"]
        items = self.read.items(entry["sequence"], (*path, "sequence"), f"the sequence of {what}")
        if not items:
            raise self.read.refuse((*path, "sequence"), f"the sequence of {what} is empty", "Add an answer.")
        places = [(*path, "sequence", number) for number in range(len(items))]
        parts = [self.read.fields(item, place, what, known) for item, place in zip(items, places, strict=True)]
        return tuple(read_one(part, place, what) for part, place in zip(parts, places, strict=True))

    def _after(self, entry: Mapping[str, Any], path: Path, what: str) -> Any:
        return self.read.choice(entry.get("after", "last"), (*path, "after"), f"`after` of {what}", _AFTER)

    # -- tables ------------------------------------------------------------------------------------------------

    def _table(self, value: Any, path: Path) -> StubTable:
        what = f"table `{path[-1]}`"
        entry = self.read.fields(value, path, what, FIELDS["table"])
        sources = [key for key in ("rows", "csv", "file") if key in entry]
        if len(sources) != 1:
            problem = f"has both {' and '.join(sources)}" if sources else "has no rows"
            raise self.read.refuse(path, f"{what} {problem}", "Give one of `rows`, `csv` (text) and `file` (a path).")
        key = self.read.text(entry.get("key", "key"), (*path, "key"), f"key of {what}")
        source, at = sources[0], (*path, sources[0])
        if source == "rows":
            rows = self.read.items(entry["rows"], at, f"rows of {what}")
            checked = [self.read.mapping(row, (*at, number), f"a row of {what}") for number, row in enumerate(rows)]
        else:
            text = self.read.text(entry[source], at, f"{source} of {what}")
            checked = self._csv(text if source == "csv" else self._file(text, at, what), at, what)
        for number, row in enumerate(checked):
            if row.get(key) is None:
                hint = f"Columns: {', '.join(row)}. Name the key column with `key:`."
                raise self.read.refuse((*at, number), f"{what} has a row without its key column `{key}`", hint)
        return StubTable(key, {_key_text(row[key]): row for row in checked}, is_text=source != "rows")

    def _csv(self, text: str, path: Path, what: str) -> list[dict[str, Any]]:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        try:
            found = [dict(row) for row in rows]
        except csv.Error as error:
            raise self.read.refuse(path, f"{what} is not CSV: {error} (line {rows.line_num})") from error
        for number, row in enumerate(found, 2):
            if None in row or None in row.values():
                raise self.read.refuse(path, f"{what}, CSV line {number}: it has not as many cells as the first line")
        return found

    def _file(self, file: str, path: Path, what: str) -> str:
        if self.read_file is None:
            raise self.read.refuse(path, f"{what} names a file, and there is no folder to read it from")
        try:
            return self.read_file(file)
        except (OSError, UnicodeDecodeError, FlowlaunchError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise self.read.refuse(
                path, f"{what}: cannot read {file}: {reason}", "Paths start at this file."
            ) from error

    def _decisions(self, value: Any, path: Path) -> tuple[DecisionRow, ...]:
        what = f"decision table `{path[-1]}`"
        rows = []
        for number, item in enumerate(self.read.items(value, path, what)):
            at = (*path, number)
            entry = self.read.fields(item, at, f"a row of {what}", FIELDS["decision row"])
            inputs = self.read.conditions(entry.get("inputs"), (*at, "inputs"), f"inputs of {what}")
            rows.append(DecisionRow(inputs, self.read.mapping(entry.get("outputs"), (*at, "outputs"), "outputs")))
        return tuple(rows)

    # -- things ------------------------------------------------------------------------------------------------

    def _kinds(self, given: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], ...]]:
        kinds: dict[str, tuple[Mapping[str, Any], ...]] = {
            kind: tuple(self._thing(kind, *entry) for entry in self._rows(given, section))
            for section, kind in SECTION_KINDS.items()
            if section in given
        }
        if "users" in given:
            kinds["user"] = tuple(self._user(*entry) for entry in self._rows(given, "users"))
        for kind, (value, path) in self._named(given, "things"):
            rows = self.read.items(value, path, f"things of kind `{kind}`")
            more = tuple(self._thing(kind, row, (*path, number)) for number, row in enumerate(rows))
            kinds[kind] = kinds.get(kind, ()) + more
        return kinds

    def _thing(self, kind: str, value: Any, path: Path) -> Mapping[str, Any]:
        entry = {"name": value} if isinstance(value, str) else self.read.mapping(value, path, f"a {kind}")
        if entry.get("id") is None and entry.get("name") is None:
            raise self.read.refuse(path, f"a {kind} has neither `id` nor `name`", "Give it a name.")
        return {"id": f"{kind}-{entry.get('name')}", **entry}

    def _user(self, value: Any, path: Path) -> Mapping[str, Any]:
        given = {"email": value} if isinstance(value, str) else value
        entry = self.read.fields(given, path, "a user", FIELDS["user"])
        email = entry.get("email")
        properties = self.read.mapping(entry.get("properties"), (*path, "properties"), "properties of a user")
        name = entry.get("name", email)
        if name is None:
            raise self.read.refuse(path, "a user has neither `email` nor `name`", "Give one of them.")
        return {**properties, "id": str(entry.get("id", f"user-{email or name}")), "name": name, "email": email,
                "username": email}  # fmt: skip

    def _conversations(self, given: Mapping[str, Any]) -> Mapping[tuple[str, str], Mapping[str, str]] | None:
        if given.get("conversations") is None and "conversations" not in given:
            return None
        found = {}
        for value, path in self._rows(given, "conversations"):
            entry = self.read.fields(value, path, "a conversation", FIELDS["conversation"])
            place = str(entry.get("id") or ""), str(entry.get("participant") or "")
            held = self.read.mapping(entry.get("attributes"), (*path, "attributes"), "attributes")
            found[place] = {
                name: self.read.text(item, (*path, "attributes", name), name) for name, item in held.items()
            }
        return found

    def _state(self, value: Any, path: Path) -> str:
        return self.read.text(value, path, f"the state of schedule `{path[-1]}`")

    def _module(self, value: Any, path: Path) -> Module:
        what = f"common module `{path[-1]}`"
        if isinstance(value, str):
            return Module(value, self._file(value, path, what))
        entry = self.read.fields(value, path, what, FIELDS["module"])
        if "file" in entry:
            file = self.read.text(entry["file"], (*path, "file"), f"file of {what}")
            return Module(file, self._file(file, (*path, "file"), what))
        outputs = self.read.mapping(entry.get("outputs"), (*path, "outputs"), f"outputs of {what}")
        return Module(ending=Ending(self.read.text(entry.get("path", ""), (*path, "path"), "path"), outputs))

    # -- time and chance ---------------------------------------------------------------------------------------

    def _now(self, given: Mapping[str, Any]) -> Any:
        if given.get("now") is None:
            return None
        path = (*self.path, "now")
        text = self.read.text(given["now"], path, "now")
        try:
            return parse_date_time(text)
        except FlowlaunchError as error:
            raise self.read.refuse(path, f"now: {error.message}", "Write it like 2026-11-21T12:00:00Z.") from error

    def _random(self, given: Mapping[str, Any]) -> tuple[float, ...]:
        value, path = given.get("random"), (*self.path, "random")
        numbers = value if isinstance(value, list) else [] if value is None else [value]
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1:
                raise self.read.refuse(path, f"random must be numbers of at least 0 and below 1, not {number!r}")
        return tuple(float(number) for number in numbers)


def _key_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
