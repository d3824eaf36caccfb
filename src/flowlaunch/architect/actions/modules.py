"""callCommonModule: run another flow in place, with its own variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings, shown_inputs, wrong_answer
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import Answer, FindModule, Found, NotFound
from flowlaunch.architect.flow import Flow, Need, Spec
from flowlaunch.architect.nodes import Text, table_of
from flowlaunch.architect.program import Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.run_state import read_inputs
from flowlaunch.architect.types import ANY
from flowlaunch.errors import FlowRuntimeError, FlowSyntaxError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.given import Given
    from flowlaunch.architect.run_state import Run
    from flowlaunch.architect.values import Value

__all__ = ["KINDS", "CallModule"]

_SCOPE: Final = "common."


@dataclass(frozen=True, slots=True)
class CallModule(Spec):
    """Run a common module; input and output names may carry the `Common.` prefix or not."""

    name: str
    version: str
    inputs: tuple[tuple[str, Given], ...]
    outputs: tuple[Binding, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, following, paths = at.action.ref, at.next, at.paths()

        def call(run: Run) -> Pending:
            values = {name: run.value_of(given) for name, given in self.inputs}
            effect = FindModule(ref, self.name, self.version)
            shown = shown_inputs(run, self.inputs, values)

            def resume(answer: Answer) -> int:
                module = self._module(effect, answer)
                given = _module_inputs(module, {name: to_json(value) for name, value in values.items()})
                run.note((("module", f"{module.name} ({self.version})"), *shown))
                return run.call_module(module.program, given, leave_from(module))

            def leave_from(module: Flow) -> Any:
                def leave(inner: Mapping[str, Value], path: str) -> int:
                    results = {_bare(item.name): to_json(inner[item.name.lower()]) for item in module.outputs}
                    bindings = tuple(Binding(_bare(item.name), item.target) for item in self.outputs)
                    changes = bind(run, bindings, results, f'common module "{module.name}"')
                    run.note((), path or None, changes, note="common module ended")
                    return paths.get(path, following)

                return leave

            return Pending(effect, resume)

        return call

    def _module(self, effect: FindModule, answer: Answer) -> Flow:
        if isinstance(answer, Found) and isinstance(answer.value, Flow):
            return answer.value
        if isinstance(answer, NotFound):
            raise FlowRuntimeError(
                f'there is no common module "{self.name}" ({self.version})',
                hint="Put its flow file beside this one.",
                server_code="flowlaunch.module.not-found",
            )
        raise wrong_answer(effect, answer, "Found(flow) or NotFound()")

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        return (Need("common module", self.name, self.version),)


def _bare(name: str) -> str:
    return name.lower().removeprefix(_SCOPE)


def _module_inputs(module: Flow, values: Mapping[str, Any]) -> dict[str, Value]:
    by_bare = {_bare(variable.name): variable.name for variable in module.inputs}
    named = {by_bare[_bare(name)]: value for name, value in values.items() if _bare(name) in by_bare}
    try:
        return read_inputs(module.inputs, named)
    except FlowTypeError as error:
        raise FlowRuntimeError(
            f'common module "{module.name}": {error.message}',
            hint=error.hint,
            server_code="flowlaunch.module.input",
        ) from error


def _parse(reader: ActionReader) -> CallModule:
    name, body = reader.table("commonModule").only(reader.what("commonModule"))
    versions = table_of(body, reader.what("commonModule"), name.span)
    version, body = versions.only(reader.what("commonModule"))
    if not version.value.startswith("ver_"):
        raise FlowSyntaxError(
            f"{reader.what('commonModule')} must give a version, found `{version.value[:80]}`",
            span=version.span,
            hint="Write `ver_latestPublished:` or `ver_1.0:`.",
        )
    bare = isinstance(body, Text)  # `ver_latestPublished: true` and an empty one say no more than the version
    fields = reader.optional_table(None if bare else body, "commonModule")
    fields.refuse_others(("inputs", "outputs"), reader.what("commonModule"))
    inputs = (
        (key.value, reader.given_in(node, ANY, f"inputs.{key.value}"))
        for key, node in reader.optional_table(fields.get("inputs"), "inputs")
    )
    return CallModule(
        name=name.value,
        version=version.value.removeprefix("ver_"),
        inputs=tuple((key, given) for key, given in inputs if not given.is_nothing),
        outputs=read_bindings(reader, fields.get("outputs"), "outputs"),
    )


KINDS: Final = {"callCommonModule": Kind(_parse, ("commonModule",), ("*",))}
