"""Actions that are recorded and otherwise left to whoever drives the run: voice, outcomes, transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import Answer, Done, Failed, Found, NotFound, Perform, Taken
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Listing, Node, Table, Text, plain
from flowlaunch.architect.program import FINISH, Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import ANY

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "Performed", "Skipped"]

_FORMS: Final = frozenset({"lit", "exp", "noValue"})
_RECEIVES: Final = frozenset({"var"})


@dataclass(frozen=True, slots=True)
class Performed(Spec):
    """An action whose work is an effect of its own name.

    Attributes:
        given: fields with a value.
        fixed: fields with a structure of their own, as JSON.
        results: variables that receive outputs, by field.
        ends: a transfer or disconnect that succeeded: nothing after it runs.

    """

    verb: str
    given: tuple[tuple[str, Given], ...]
    fixed: tuple[tuple[str, Any], ...]
    results: tuple[Binding, ...]
    failure: tuple[Binding, ...]
    ends: bool = False

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, following, paths = at.action.ref, at.next, at.paths()

        def perform(run: Run) -> Pending:
            values = {name: run.value_of(given) for name, given in self.given}
            inputs = {name: to_json(value) for name, value in values.items()} | dict(self.fixed)
            shown = (*((name, run.shown(given, values[name])) for name, given in self.given), *self.fixed)
            effect = Perform(ref, self.verb, inputs, tuple(paths))

            def resume(answer: Answer) -> int:
                path, outputs = _outcome(answer)
                bindings = self.failure if path == "failure" else self.results
                run.note(shown, path, bind(run, bindings, outputs, self.verb))
                if path in paths:
                    return paths[path]
                return FINISH if self.ends and path != "failure" else following

            return Pending(effect, resume)

        return perform


def _outcome(answer: Answer) -> tuple[str, dict[str, Any]]:
    match answer:
        case Taken(path=path, outputs=outputs):
            return path, dict(outputs)
        case Failed(error_type=kind, error_message=message):
            return "failure", {"errorType": kind, "errorMessage": message}
        case Done(outputs=outputs):
            return "success", dict(outputs)
        case Found(value=value):
            return "found", dict(value) if isinstance(value, dict) else {}
        case NotFound():
            return "notFound", {}
        case _:
            return "success", {}


@dataclass(frozen=True, slots=True)
class Skipped(Spec):
    """An action that is not emulated, let through by lenient loading: recorded, and the run goes on after it."""

    why: str

    def compile(self, at: Link) -> Step:
        """Make its step."""
        following = at.next
        for path in at.action.paths:
            at.path(path)

        def skip(run: Run) -> int:
            run.note(note=f"not emulated: {self.why}")
            return following

        return skip


def _parser(*, ends: bool) -> Any:
    def parse(reader: ActionReader) -> Performed:
        given: list[tuple[str, Given]] = []
        fixed: list[tuple[str, Any]] = []
        results: list[Binding] = []
        for key, node in reader.fields:
            if key.value in {"name", "outputs", "failureOutputs"}:
                continue
            form = _form(node)
            if form in _FORMS:
                value = reader.given(key.value, ANY)
                given += [] if value.is_nothing else [(key.value, value)]
            elif form in _RECEIVES:
                target = reader.target(key.value)
                results += [] if target is None else [Binding(key.value, target)]
            else:
                fixed.append((key.value, _readable(plain(node))))
        failure = read_bindings(reader, reader.fields.get("failureOutputs"), "failureOutputs")
        return Performed(reader.key, tuple(given), tuple(fixed), tuple(results), failure, ends)

    return parse


def _form(node: Node) -> str:
    if isinstance(node, Table) and len(node.entries) == 1:
        return node.entries[0][0].value
    return "list" if isinstance(node, Listing) else "text" if isinstance(node, Text) else ""


def _readable(value: Any) -> Any:
    return to_json(value) if not isinstance(value, (dict, list)) else value


_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "playAudio": ("audio", "bargeInEnabled"),
    "playAudioOnSilence": ("audio", "timeout"),
    "setLanguage": ("language", "languageValue"),
    "collectInput": (
        "inputData", "digits", "interDigitTimeout", "noEntryTimeout", "inputAudio", "acceptJustStar",
        "acceptJustPound", "verificationType", "verificationAudio", "includeTerminatingDtmfInResultData",
    ),
    "disconnect": (),
    "createCallback": (
        "queue", "callbackNumber", "calleeName", "callbackScript", "skills", "priority", "languageSkill",
        "callbackDate", "failureOutputs",
    ),
    "transferToVoicemail": ("destination", "preTransferAudio", "failureTransferAudio", "failureOutputs"),
    "setFlowOutcome": ("flowOutcome", "flowOutcomeValue", "outcome", "outcomeValue", "value"),
    "initializeFlowOutcome": ("flowOutcome", "outcome"),
    "addFlowMilestone": ("flowMilestone", "flowOutcome", "milestone"),
    "setWrapupCode": ("wrapupCode",),
    "setExternalTag": ("externalTag",),
    "setUUIData": ("uuiData",),
    "setScreenPop": ("script", "screenPop", "inputs"),
    "flushAudio": (),
    "detectSilence": ("timeout",),
    "enableParticipantRecord": ("enabled", "suppressRecording"),
    "getSecuredData": ("attributes",),
    "setSecuredData": ("attributes",),
}  # fmt: skip
_ENDS: Final = frozenset({"disconnect", "transferToVoicemail"})
_PATHS: Final = ("success", "failure", "found", "notFound", "timeout")
KINDS: Final = {key: Kind(_parser(ends=key in _ENDS), fields, _PATHS) for key, fields in _FIELDS.items()}
