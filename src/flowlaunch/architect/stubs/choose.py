"""Choosing stubs: which one answers an effect, with what, and how late. Offline runs and the sandbox share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.stubs.conditions import glob_holds
from flowlaunch.architect.stubs.filling import TemplateError, fill, search
from flowlaunch.architect.stubs.model import Ending
from flowlaunch.errors import FlowStubError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.effects import CallDataAction
    from flowlaunch.architect.flow import ActionRef
    from flowlaunch.architect.stubs.model import ActionStub, DataActionStub, DecisionRow

__all__ = ["DEFAULT_TIMEOUT_S", "choose_action", "choose_data_action", "choose_row", "filled", "within_limit"]

DEFAULT_TIMEOUT_S: Final = 60.0
"""How long a data action may take when the flow sets no limit; the longest that the platform allows."""


def choose_action(stubs: Iterable[ActionStub], ref: ActionRef) -> ActionStub | None:
    """Find the first stub about an action by its kind, name and flow."""
    return next((stub for stub in stubs if _is_about(stub, ref)), None)


def _is_about(stub: ActionStub, ref: ActionRef) -> bool:
    return glob_holds(stub.key, ref.key) and glob_holds(stub.name, ref.name) and glob_holds(stub.flow, ref.flow)


def choose_data_action(stubs: Iterable[DataActionStub], effect: CallDataAction) -> DataActionStub | None:
    """Find the first stub that fits a call by names, inputs and query.

    Raises:
        FlowStubError: a query cannot be evaluated over these inputs.

    """
    return next((stub for stub in stubs if _fits(stub, effect)), None)


def _fits(stub: DataActionStub, effect: CallDataAction) -> bool:
    if not stub.names(effect.category, effect.action):
        return False
    if not all(condition.holds(effect.inputs.get(name)) for name, condition in stub.inputs.items()):
        return False
    try:
        return not stub.where or bool(search(stub.where, dict(effect.inputs)))
    except TemplateError as error:
        raise FlowStubError(f"{stub.place}: `where`: {error}") from error


def choose_row(rows: Iterable[DecisionRow], inputs: Mapping[str, Any]) -> DecisionRow | None:
    """Find the first row of a decision table whose conditions hold."""
    fitting = (row for row in rows if all(condition.holds(inputs.get(name)) for name, condition in row.inputs.items()))
    return next(fitting, None)


def filled(ending: Ending, request: Mapping[str, Any], now: str, call: int) -> Ending:
    """Fill the templates of an ending from what was sent.

    Raises:
        FlowStubError: one cannot be evaluated.

    """
    if ending.body is None:
        return ending
    try:
        return Ending(
            ending.path, fill(ending.body, {"input": dict(request), "now": now, "call": call}), ending.delay_s
        )
    except TemplateError as error:
        raise FlowStubError(f"the answer of a stub cannot be filled: {error}") from error


def within_limit(ending: Ending, timeout_s: float | None) -> Ending:
    """Turn a data action's answer that is late into a timeout, which takes as long as the limit."""
    limit_s = DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s
    late = ending.path == "timeout" or ending.delay_s > limit_s
    return Ending("timeout", None, limit_s) if late else ending
