"""A flow's configuration as far as public exports show it: its variables, with `isInput` and `isOutput`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch.architect.flow import Variable
    from flowlaunch.sandbox.world import FlowVersion

__all__ = ["configuration_json"]


def configuration_json(version: FlowVersion) -> dict[str, Any]:
    """Render name, type, variables and states' names; the actions themselves are not rendered."""
    program = version.program
    document: dict[str, Any] = {
        "id": version.flow.id,
        "name": version.flow.name,
        "description": version.flow.description,
        "type": version.flow.type.lower(),
        "version": version.number,
        "variables": [],
    }
    if program is not None:
        document["variables"] = [_variable(variable) for variable in program.variables]
        document["manifest"] = {"states": [state.name for state in program.states.values()]}
    return document


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "type": variable.type.name,
        "isCollection": variable.type.is_collection,
        "isInput": variable.is_input,
        "isOutput": variable.is_output,
        "isSecure": variable.is_secure,
        "description": variable.description,
    }
