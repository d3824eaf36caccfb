"""Errors of the flow language, each with its place in the text."""

from __future__ import annotations

from typing import Any

from flowlaunch.errors.base import FlowlaunchError


class FlowError(FlowlaunchError):
    """Something is wrong in a flow or an expression.

    Attributes:
        span: where (`flowlaunch.architect.source.Span`), or None when the place is not known.

    """

    default_code = "flow"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.span = span

    def __str__(self) -> str:
        place = self.span.render() if self.span is not None else ""
        return "\n".join(part for part in (self.message, place, f"  hint: {self.hint}" if self.hint else "") if part)


class FlowSyntaxError(FlowError):
    """The text cannot be parsed."""

    default_code = "flow-syntax"


class FlowNameError(FlowError):
    """A variable, function, action or field is unknown."""

    default_code = "flow-name"


class FlowTypeError(FlowError):
    """Operands, arguments or a slot got a value of the wrong type."""

    default_code = "flow-type"


class FlowRuntimeError(FlowError):
    """A run went wrong; the flow's own error handling takes over.

    Attributes:
        server_code: the platform's code for it where one is known (`error.workflow.expression.unexpectedNull`).

    """

    default_code = "flow-runtime"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, server_code: str = "") -> None:
        super().__init__(message, span=span, hint=hint)
        self.server_code = server_code


class FlowUnsupportedError(FlowError):
    """The flow uses something that Architect knows and that is not emulated here; it is named in the message."""

    default_code = "flow-unsupported"


class FlowStubError(FlowError):
    """An offline run asked for something that no stub answers, or a stub is wrong; the hint shows what to write.

    Attributes:
        trace: what the run did until then (`flowlaunch.architect.trace.Trace`), or None when nothing ran.

    """

    default_code = "flow-stub"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, trace: Any = None) -> None:
        super().__init__(message, span=span, hint=hint)
        self.trace = trace


class FlowCaseError(FlowError):
    """A case file is wrong: a field it does not have, a flow or table that cannot be read, no cases."""

    default_code = "flow-case"
