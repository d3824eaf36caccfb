"""Linting one file: read it with all its mistakes, run the rules, set aside what comments ignore."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.export_text import decode_export
from flowlaunch.architect.export_tree import export_tree
from flowlaunch.architect.lint import check_actions, check_contracts, check_paths, check_spelling, check_variables
from flowlaunch.architect.lint.duplicates import tell_apart
from flowlaunch.architect.lint.finding import Finding, Hit, Location, Report
from flowlaunch.architect.lint.ignores import Ignore, read_ignores
from flowlaunch.architect.lint.repair import Reading, read_flow
from flowlaunch.architect.lint.rules import RULES
from flowlaunch.architect.lint.slots import Filled, fill
from flowlaunch.architect.lint.subject import Subject
from flowlaunch.architect.load import read_text
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.yaml_nodes import read_yaml
from flowlaunch.errors import (
    FlowError,
    FlowNameError,
    FlowSyntaxError,
    FlowTypeError,
    FlowUnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.lint.contracts import Contract
    from flowlaunch.architect.nodes import Node

    Check = Callable[[Subject], Iterator[Hit]]

__all__ = ["CHECKS", "lint_text"]

CHECKS: Final[tuple[Check, ...]] = (
    check_paths.unreachable,
    check_paths.ends_of_lists,
    check_paths.circles,
    check_paths.missing_paths,
    check_paths.task_paths,
    check_actions.loops,
    check_actions.waits,
    check_actions.decisions,
    check_actions.foreign,
    check_actions.switches,
    check_variables.uses,
    check_variables.outputs,
    check_variables.not_set,
    check_variables.inputs_assigned,
    check_variables.self_assignments,
    check_spelling.key_case,
    check_spelling.literal_case,
    check_spelling.variable_case,
    check_contracts.contracts,
    check_contracts.modules,
)
"""Each looks at the whole flow and may yield hits of several rules."""

_CODES: Final[Mapping[type[FlowError], str]] = {
    FlowSyntaxError: "FL001",
    FlowNameError: "FL002",
    FlowTypeError: "FL003",
    FlowUnsupportedError: "FL004",
}
_EXPORT: Final = re.compile(r"""[A-Za-z0-9+/=\s]{16,}|\s*\{\s*"[\s\S]*""")


def lint_text(
    text: str | bytes,
    *,
    name: str,
    slots: Mapping[str, str] | None = None,
    contracts: Iterable[Contract] = (),
    modules: Iterable[Flow] = (),
    select: frozenset[str] | None = None,
    ignore: frozenset[str] = frozenset(),
) -> Report:
    """Check one flow and give every finding; a flow that cannot be read gives findings too, never an error.

    Args:
        text: Archy YAML, or an Architect export.
        name: the file's name, for places.
        slots: values for `{{name}}` and `${name}`; one without a value gets a placeholder, and what depends on it is
            not checked.
        contracts: contracts of data actions, to check calls against; without any, none is missed.
        modules: common modules, to check calls of them against.
        select: codes of the rules to run; None for all.
        ignore: codes of rules to leave out.

    """
    linter = _Linter(name, {one.name.lower(): one for one in contracts}, {one.name: one for one in modules})
    linter.run(text, slots or {})
    chosen = [one for one in linter.findings if (select is None or one.code in select) and one.code not in ignore]
    return _report(name, chosen, linter.flow, linter.ignores, select)


class _Linter:
    def __init__(self, name: str, contracts: Mapping[str, Contract], modules: Mapping[str, Flow]) -> None:
        self.name = name
        self.contracts = contracts
        self.modules = modules
        self.findings: list[Finding] = []
        self.filled: Filled | None = None
        self.flow: Flow | None = None
        self.ignores: tuple[Ignore, ...] = ()

    def run(self, text: str | bytes, slots: Mapping[str, str]) -> None:
        try:
            source = Source(self.name, read_text(text, self.name))
            root = self.root(source, slots)
        except FlowError as error:
            self.tell(error)
            return
        if root is None or self.filled is None:
            return
        root, hits = tell_apart(root)
        self.add(hits)
        reading = read_flow(root, self.filled.source)
        self.flow = reading.flow
        self.mistakes(reading)
        if reading.flow is not None:
            self.rules(reading, Subject(reading.flow, root, self.filled, self.contracts, self.modules))

    def root(self, source: Source, slots: Mapping[str, str]) -> Node | None:
        if _EXPORT.fullmatch(source.text[:4096]):
            document = decode_export(source)
            if document is not None:
                self.filled = Filled(source, source, ())
                return export_tree(document, source)
        self.ignores = read_ignores(source.text)
        self.filled = fill(source, slots)
        self.add(_unfilled(self.filled))
        return read_yaml(self.filled.source)

    def mistakes(self, reading: Reading) -> None:
        for one in reading.errors:
            text = f"{one.written} {one.error.message}"
            if reading.flow is None or self.filled is None or not self.filled.mentions_placeholder(text):
                self.tell(one.error)
        left_out = sum(rule.needs_whole_flow for rule in RULES.values())
        if reading.is_cut_off:
            message = "there are more mistakes than are listed; correct these first"
            self.add([Hit("FL008", message)])
        elif not reading.is_whole and reading.flow is not None:
            message = f"a part of the flow cannot be read, so {left_out} rules about the whole flow were left out"
            self.add([Hit("FL008", message, "Correct the errors and lint again.")])

    def rules(self, reading: Reading, subject: Subject) -> None:
        silent = {rule.code for rule in RULES.values() if rule.needs_whole_flow and not reading.is_whole}
        silent |= {"FL302"} if reading.errors else set()  # an input that cannot be read counts as not given
        for check in CHECKS:
            self.add(hit for hit in check(subject) if hit.code not in silent)

    def tell(self, error: FlowError) -> None:
        """Turn an error of the loader into a finding."""
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "FL001")
        self.add([Hit(code, error.message, error.hint, error.span)])

    def add(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            rule = RULES[hit.code]
            span = hit.span
            if span is None:
                location = Location()
            else:
                filled = self.filled or Filled(span.source, span.source, ())
                location = filled.locate(span)
            action = f"{hit.ref.place} ({hit.ref.name})" if hit.ref is not None else _place_of_export(hit, self.name)
            self.findings.append(
                Finding(rule.code, rule.name, rule.severity, hit.message, hit.hint, self.name, location, action)
            )


def _place_of_export(hit: Hit, name: str) -> str:
    """Give the place in an export, which has no lines: its sources are named after the places in the flow."""
    if hit.span is None:
        return ""
    place = hit.span.source.name
    return place.removeprefix(f"{name}: ") if place.startswith(f"{name}: ") else ""


def _unfilled(filled: Filled) -> Iterator[Hit]:
    if filled.unfilled:
        first = filled.unfilled[0]
        start = max(filled.original.text.find(first), 0)
        names = ", ".join(f"`{slot}`" for slot in filled.unfilled)
        what = f"slot {names} has" if len(filled.unfilled) == 1 else f"slots {names} have"
        hint = f"Give them with --set {first}=... or --values FILE."
        yield Hit("FL005", f"{what} no value", hint, Span(filled.original, start, start + len(first)))


def _report(
    name: str, findings: list[Finding], flow: Flow | None, ignores: tuple[Ignore, ...], select: frozenset[str] | None
) -> Report:
    kept: list[Finding] = []
    ignored: list[Finding] = []
    useful: set[Ignore] = set()
    for finding in findings:
        hiding = [one for one in ignores if one.hides(finding)]
        useful.update(hiding)
        (ignored if hiding else kept).append(finding)
    for one in ignores:
        kept.extend(_about(one, name, is_useful=one in useful, is_complete=select is None))
    kept.sort(key=lambda one: (one.location.line == 0, one.location.line, one.location.column))
    return Report(name, tuple(kept), flow, tuple(ignored))


def _about(one: Ignore, name: str, *, is_useful: bool, is_complete: bool) -> Iterator[Finding]:
    location = Location(one.line, one.column, one.column + 1)
    if one.unknown or not one.codes:
        words = ", ".join(f"`{word}`" for word in one.unknown) or "nothing"
        yield _finding("FL006", f"the comment ignores {words}, which is no rule", location, name)
    elif not is_useful and is_complete:
        yield _finding("FL007", f"nothing here is found by {', '.join(sorted(one.codes))}", location, name)


def _finding(code: str, message: str, location: Location, name: str) -> Finding:
    rule = RULES[code]
    return Finding(code, rule.name, rule.severity, message, "Correct or remove the comment.", name, location)
