"""A route's mapping made ready: the same when the file is read, when a flow is held against it and at a launch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from flowlaunch.batch.mapping import RowMapper
from flowlaunch.batch.mapping.feeds import PREFIX
from flowlaunch.batch.mapping.template import PLACEHOLDERS, parse_template
from flowlaunch.errors import InputError
from flowlaunch.models import FlowInputs

if TYPE_CHECKING:
    from flowlaunch.batch.mapping import MappingSpec
    from flowlaunch.gateway.routing.routes import Route

__all__ = ["check_mapping", "mapper_of", "spellings"]


def spellings(name: str) -> tuple[str, str]:
    """Return how an input may be spelt: `orderId` and `Flow.orderId`."""
    bare = name.removeprefix(PREFIX)
    return bare, PREFIX + bare


def mapper_of(route: Route, inputs: FlowInputs) -> RowMapper | None:
    """Return what makes a flow's input of a request's; None: it goes as it is.

    Raises:
        InputError: the route does not fit the flow, with everything that does not.

    """
    token_input = route.spec.token_input
    if token_input is not None:
        kept = tuple(one for one in inputs.inputs if one.name not in spellings(token_input))
        if len(kept) == len(inputs.inputs) and not inputs.is_open:
            raise InputError(f"token_input {token_input}: no input of the flow", code="route-mapping", hint="")
        inputs = msgspec.structs.replace(inputs, inputs=kept)
    if route.mapping is None:
        return None
    return RowMapper(route.mapping, _members(route.mapping), inputs, batch_id=route.name, is_open_ended=True)


def check_mapping(route: Route) -> None:
    """Raise InputError for what is wrong with a route's mapping whatever its flow: expressions and templates."""
    try:
        mapper_of(route, FlowInputs(flow_id="", flow_name=route.spec.flow, version=None, inputs=(), is_open=True))
    except RecursionError as error:
        raise InputError("an expression of its mapping is nested too deeply", hint="") from error


def _members(mapping: MappingSpec) -> tuple[str, ...]:
    """Return the members of a request's input that a mapping names outside of `map`."""
    row = mapping.row
    texts = (row.key, row.contact, row.zone, row.region, row.not_before, row.not_after, row.name)
    templates = (*mapping.set.values(), *(text for text in texts if text and "{" in text))
    named = [name for text in templates for name in parse_template(text).names if name not in PLACEHOLDERS]
    return tuple(dict.fromkeys((*named, *mapping.values.json_columns)))
