"""Checks of calls: data actions against their contracts, common modules against their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.architect.actions.call_data import CallData
from flowlaunch.architect.actions.modules import CallModule
from flowlaunch.architect.lint.check_paths import named
from flowlaunch.architect.lint.finding import Hit
from flowlaunch.architect.nodes import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.flow import Action
    from flowlaunch.architect.lint.contracts import Contract
    from flowlaunch.architect.lint.subject import Subject

__all__ = ["contracts", "modules"]


def contracts(subject: Subject) -> Iterator[Hit]:
    """Compare the inputs and outputs of data actions with their contracts, when any were given."""
    if not subject.contracts:
        return
    told: set[str] = set()
    for action in subject.actions:
        spec = action.spec
        if not isinstance(spec, CallData):
            continue
        contract = subject.contracts.get(spec.action.lower())
        if contract is not None:
            yield from _inputs(action, spec, contract)
            yield from _outputs(action, spec, contract)
        elif spec.action not in told:
            told.add(spec.action)
            message = f'there is no contract for data action "{spec.action}"'
            hint = "Put its exported file into the folder of contracts."
            yield Hit("FL304", message, hint, action.span, action.ref)


def modules(subject: Subject) -> Iterator[Hit]:
    """Compare calls of common modules with those modules that are at hand."""
    for action in subject.actions:
        spec = action.spec
        module = subject.modules.get(spec.name) if isinstance(spec, CallModule) else None
        if not isinstance(spec, CallModule) or module is None:
            continue
        known = {_bare(one.name): one.name for one in module.inputs}
        for name, given in spec.inputs:
            if _bare(name) not in known:
                message = f'common module "{module.name}" has no input `{name}`'
                hint = did_you_mean(name, known.values(), "Its inputs") or "It has no inputs."
                yield Hit("FL305", message, hint, given.span or action.span, action.ref)
        known = {_bare(one.name): one.name for one in module.outputs}
        for binding in spec.outputs:
            if _bare(binding.name) not in known:
                message = f'common module "{module.name}" has no output `{binding.name}`'
                hint = did_you_mean(binding.name, known.values(), "Its outputs") or "It has no outputs."
                yield Hit("FL306", message, hint, binding.target.span or action.span, action.ref)


def _bare(name: str) -> str:
    return name.lower().removeprefix("common.")


def _inputs(action: Action, spec: CallData, contract: Contract) -> Iterator[Hit]:
    for name, given in spec.inputs:
        if name not in contract.inputs and (not contract.takes_others or _differs_by_case(name, contract.inputs)):
            message = f'data action "{contract.name}" has no input `{name}`'
            hint = did_you_mean(name, contract.inputs, "Its inputs") or "It has no inputs."
            yield Hit("FL301", message, hint, given.span or action.span, action.ref)
    missing = sorted(contract.required - {name for name, _ in spec.inputs})
    if missing:
        message = f"{named(action)} does not give {', '.join(f'`{name}`' for name in missing)}"
        hint = f'Data action "{contract.name}" requires it; add it to its inputs.'
        yield Hit("FL302", message, hint, action.span, action.ref)


def _outputs(action: Action, spec: CallData, contract: Contract) -> Iterator[Hit]:
    for binding in spec.success:
        known = binding.name in contract.outputs
        if not known and (not contract.gives_others or _differs_by_case(binding.name, contract.outputs)):
            message = f'data action "{contract.name}" has no output `{binding.name}`'
            hint = did_you_mean(binding.name, contract.outputs, "Its outputs") or "It has no outputs."
            yield Hit("FL303", message, hint, binding.target.span or action.span, action.ref)


def _differs_by_case(name: str, known: frozenset[str]) -> bool:
    return name.lower() in {one.lower() for one in known}
