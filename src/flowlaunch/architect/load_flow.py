"""From nodes to a flow: header, variables, states, tasks and error handling."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.control import ref_id
from flowlaunch.architect.dialect import DEFAULT, Dialect
from flowlaunch.architect.flow import ErrorHandling, Flow, Sequence, Variable
from flowlaunch.architect.given import read_given
from flowlaunch.architect.load_actions import ActionParser
from flowlaunch.architect.nodes import Node, Table, Text, did_you_mean, listing_of, table_of, text_of
from flowlaunch.architect.program import link_program
from flowlaunch.architect.reader import Notes
from flowlaunch.architect.scope import VariableScope
from flowlaunch.architect.types import type_of_variable_key
from flowlaunch.errors import FlowNameError, FlowSyntaxError, FlowUnsupportedError

if TYPE_CHECKING:
    from flowlaunch.architect.source import Source, Span

__all__ = ["parse_flow"]

_OTHER_TYPES: Final = frozenset(
    """
    bot digitalBot inboundCall inboundChat inboundEmail inboundShortMessage inQueueCall inQueueEmail
    inQueueShortMessage outboundCall secureCall surveyInvite voice voicemail voiceSurvey workitem
    """.split()  # noqa: SIM905 - reads better as words
)
_WORKFLOW_FIELDS: Final = (
    "name", "description", "division", "startUpRef", "defaultLanguage", "supportedLanguages", "variables",
    "settingsErrorHandling", "states", "tasks", "settingsActionDefaults", "settingsPrompts", "referencedObjects",
)  # fmt: skip
_MODULE_FIELDS: Final = (
    "name", "description", "division", "defaultLanguage", "supportedLanguages", "variables", "settingsCommonModule",
    "settingsActionDefaults", "settingsPrompts", "settingsErrorHandling", "startUpTaskActions",
    "startUpTaskVariables", "tasks", "settingsSpeechRec", "referencedObjects",
)  # fmt: skip
_VARIABLE_FIELDS: Final = ("name", "description", "initialValue", "isInput", "isOutput", "isSecure")
_SCOPES: Final = {
    "workflow": "Flow.",
    "commonModule": "Common.",
    "state": "State.",
    "task": "Task.",
    "module": "Task.",
}
_LINE_BREAK: Final = re.compile("\n")
START_TASK: Final = "start-up task"


def parse_flow(root: Node, source: Source, *, lenient: bool, dialect: Dialect = DEFAULT) -> Flow:
    """Turn the nodes of one file into a flow; raises every kind of FlowError that `load_flow` names."""
    key, body = table_of(root, source.name).only(f"{source.name}, which holds one flow,")
    if key.value not in {"workflow", "commonModule"}:
        raise _wrong_type(key)
    fields = table_of(body, key.value, key.span)
    return _FlowParser(key.value, fields, source, lenient=lenient).parse(VariableScope(dialect=dialect))


def _wrong_type(key: Text) -> FlowNameError | FlowUnsupportedError:
    if key.value in _OTHER_TYPES:
        return FlowUnsupportedError(
            f"flows of type {key.value} are not emulated",
            span=key.span,
            hint="Workflows and common modules are.",
        )
    return FlowNameError(
        f"there is no flow type `{key.value[:80]}`",
        span=key.span,
        hint=did_you_mean(key.value, ("workflow", "commonModule", *_OTHER_TYPES), "Begin the file with"),
    )


class _Lines:
    """Line numbers of a file, without counting line breaks each time; what stands in no file is on line 0."""

    def __init__(self, source: Source) -> None:
        self._source = source
        text = source.text
        self._starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]

    def __call__(self, span: Span) -> int:
        return bisect_right(self._starts, span.start) if span.source is self._source else 0


class _FlowParser:
    """Parses one flow; collects expressions and problems on the way."""

    def __init__(self, kind: str, fields: Table, source: Source, *, lenient: bool) -> None:
        self.kind = kind
        self.fields = fields
        self.source = source
        self.name = text_of(fields.get("name"), "the flow's name", "") or source.name
        self.notes = Notes()
        self.actions = ActionParser(self.name, _Lines(source), self.notes, lenient=lenient)

    def parse(self, scope: VariableScope) -> Flow:
        """Parse the flow; `scope` is empty yet."""
        known = _WORKFLOW_FIELDS if self.kind == "workflow" else _MODULE_FIELDS
        self.fields.refuse_others(known, f"a {self.kind}")
        variables = self._variables(self.fields.get("variables"), self.kind, scope)
        states = self._sequences("states", "state", scope) if self.kind == "workflow" else {}
        tasks = self._sequences("tasks", "task", scope)
        start = self._start(states) if self.kind == "workflow" else START_TASK
        if self.kind == "commonModule":
            tasks = {START_TASK: self._start_task(scope)} | tasks
        handling = self._error_handling(states, tasks)
        program = link_program(states, tasks, start, variables, handling, tuple(self.notes.expressions))
        return Flow(
            name=self.name,
            type=self.kind,
            division=text_of(self.fields.get("division"), "division", ""),
            description=text_of(self.fields.get("description"), "description", ""),
            variables=variables,
            states=states,
            tasks=tasks,
            start=start,
            error_handling=handling,
            source=self.source,
            problems=tuple(self.notes.problems),
            default_language=text_of(self.fields.get("defaultLanguage"), "defaultLanguage", ""),
            program=program,
        )

    def _variables(self, node: Node | None, owner: str, scope: VariableScope) -> tuple[Variable, ...]:
        """Read declared variables and bring them into `scope`, each seeing those before it."""
        variables: list[Variable] = []
        seen: dict[str, Variable] = {}
        for item in listing_of(node, f"variables of the {owner}"):
            variable = self._variable(item, owner, scope)
            if variable.name.lower() in seen:
                raise FlowSyntaxError(
                    f"variable {variable.name} is declared twice",
                    span=variable.span,
                    hint="Names are the same in any letter case; remove one.",
                )
            seen[variable.name.lower()] = variable
            scope.add(variable)
            variables.append(variable)
        return tuple(variables)

    def _variable(self, node: Node, owner: str, scope: VariableScope) -> Variable:
        key, body = table_of(node, "a variable").only("a variable")
        fields = table_of(body, key.value, key.span)
        try:
            of = type_of_variable_key(key.value)
        except FlowNameError as error:
            raise FlowNameError(error.message, span=key.span, hint=error.hint) from error
        name_node = fields.require("name", f"a {key.value}")
        name = text_of(name_node, "the variable's name")
        fields.refuse_others(_VARIABLE_FIELDS, f"variable {name}")
        prefix = _SCOPES[owner]
        if not name.lower().startswith(prefix.lower()) or len(name) == len(prefix):
            raise FlowNameError(
                f"a variable of a {owner} must be named {prefix}something, found `{name[:80]}`",
                span=name_node.span,
                hint=f"Write `name: {prefix}{name.rpartition('.')[2][:60] or 'something'}`.",
            )
        initial = read_given(fields.get("initialValue"), scope, of, f"initial value of {name}")
        if initial.expression is not None and initial.span is not None:
            self.notes.expressions.append(initial.span)
        return Variable(
            name=name,
            type=of,
            initial=initial,
            is_input=_flag(fields, "isInput"),
            is_output=_flag(fields, "isOutput"),
            is_secure=_flag(fields, "isSecure"),
            description=text_of(fields.get("description"), "description", ""),
            span=name_node.span,
        )

    def _sequences(self, field: str, kind: str, scope: VariableScope) -> dict[str, Sequence]:
        found: dict[str, Sequence] = {}
        for item in listing_of(self.fields.get(field), field):
            key, body = table_of(item, f"an item of {field}").only(f"an item of {field}")
            if key.value != kind:
                raise FlowSyntaxError(
                    f"an item of {field} must be `{kind}:`", span=key.span, hint=f"Write `- {kind}:`."
                )
            sequence = self._sequence(table_of(body, kind, key.span), kind, scope)
            if sequence.ref_id in found:
                raise FlowSyntaxError(
                    f"two {field} have the refId `{sequence.ref_id}`",
                    span=sequence.span,
                    hint="Give each its own.",
                )
            found[sequence.ref_id] = sequence
        return found

    def _sequence(self, fields: Table, kind: str, scope: VariableScope) -> Sequence:
        name = text_of(fields.get("name"), f"the {kind}'s name", "") or kind
        fields.refuse_others(("name", "refId", "variables", "actions", "description", "outputPaths"), f"{kind} {name}")
        inner = VariableScope(outer=scope)
        variables = self._variables(fields.get("variables"), kind, inner)
        return Sequence(
            kind=kind,
            name=name,
            ref_id=text_of(fields.get("refId"), "refId", name),
            variables=variables,
            actions=self.actions.parse(fields.get("actions"), inner, kind, name),
            span=fields.span,
        )

    def _start_task(self, scope: VariableScope) -> Sequence:
        inner = VariableScope(outer=scope)
        variables = self._variables(self.fields.get("startUpTaskVariables"), "module", inner)
        actions = self.actions.parse(self.fields.get("startUpTaskActions"), inner, "module", START_TASK)
        return Sequence("module", START_TASK, START_TASK, variables, actions, self.fields.span)

    def _start(self, states: dict[str, Sequence]) -> str:
        if not states:
            raise FlowSyntaxError(
                "the workflow has no states", span=self.fields.span, hint="Add `states:` with one state."
            )
        node = self.fields.get("startUpRef")
        if node is None:
            return next(iter(states))
        start = ref_id(text_of(node, "startUpRef"))
        if start not in states:
            raise FlowNameError(
                f"startUpRef names a state `{start[:80]}` that does not exist",
                span=node.span,
                hint=did_you_mean(start, states, "States by refId"),
            )
        return start

    def _error_handling(self, states: dict[str, Sequence], tasks: dict[str, Sequence]) -> ErrorHandling:
        settings = self.fields.get("settingsErrorHandling")
        if settings is None:
            return ErrorHandling()
        fields = table_of(settings, "settingsErrorHandling")
        fields.refuse_others(("errorHandling", "preHandlingAudio"), "settingsErrorHandling")
        key, body = table_of(fields.require("errorHandling", "settingsErrorHandling"), "errorHandling").only(
            "errorHandling"
        )
        targets: dict[str, tuple[str, Any]] = {
            "changeState": ("targetStateRef", states),
            "jumpToTask": ("targetTaskRef", tasks),
        }
        if key.value not in targets:
            if key.value in {"endWorkflow", "disconnect"}:
                return ErrorHandling("endWorkflow")
            raise FlowUnsupportedError(
                f"error handling `{key.value[:80]}` is not emulated",
                span=key.span,
                hint="endWorkflow, changeState and jumpToTask are.",
            )
        field, known = targets[key.value]
        node = table_of(body, "errorHandling", key.span).require(field, "errorHandling")
        target = ref_id(text_of(node, field))
        if target not in known:
            raise FlowNameError(
                f"errorHandling names `{target[:80]}`, which does not exist",
                span=node.span,
                hint=did_you_mean(target, known),
            )
        return ErrorHandling(key.value, target)


def _flag(fields: Table, name: str) -> bool:
    node = fields.get(name)
    if node is None:
        return False
    if isinstance(node, Text):
        return node.as_bool()
    raise FlowSyntaxError(f"{name} must be true or false", span=node.span)
