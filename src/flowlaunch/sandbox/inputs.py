"""Input data as the platform takes it: unknown keys are dropped, missing ones stay NOT_SET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.architect.run_state import read_inputs
from flowlaunch.errors import FlowError
from flowlaunch.sandbox.answers import BAD_JSON, Refusal

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.options import Options
    from flowlaunch.sandbox.world import FlowVersion

__all__ = ["check_inputs"]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def check_inputs(options: Options, call: Call, version: FlowVersion, raw: bytes) -> bytes:
    """Check `inputData` as far as a launch does, and give what the run shall get.

    Official (observed): unknown keys are accepted and dropped. The journal notes them; `strict_inputs` refuses.
    """
    if not raw or raw == b"null":
        return b""
    try:
        given = _decode(raw)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad.request", f"inputData must be an object: {error}") from error
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"inputData is not valid JSON: {error}") from error
    if not version.input_names.issuperset(given):
        raw = _sort_out(options, call, version, given) or raw
    if options.type_mismatch == "refuse":
        _check_types(version, _decode(raw))
    return raw


def _sort_out(options: Options, call: Call, version: FlowVersion, given: dict[str, Any]) -> bytes | None:
    """Refuse or note unknown keys; gives the inputs anew when bare keys were completed."""
    kept = dict(given)
    completed = False
    for key in given:
        if key in version.input_names:
            continue
        full = f"Flow.{key}"
        value = kept.pop(key)
        if options.bare_keys and full in version.input_names:
            kept.setdefault(full, value)
            completed = True
        elif options.strict_inputs:
            raise Refusal(400, "bad.request", f"'{key}' is no input of the flow '{version.flow.name}'.")
        else:
            call.note(f"dropped input data key '{key}'")
    return msgspec.json.encode(kept) if completed else None


def _check_types(version: FlowVersion, given: dict[str, Any]) -> None:
    if version.program is None:
        return
    try:
        read_inputs(version.program.inputs, given)
    except FlowError as error:
        raise Refusal(400, "invalid.value", error.message) from error
