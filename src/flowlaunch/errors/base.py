"""What every error has, and the errors before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FlowlaunchError(Exception):
    """Base of every error that flowlaunch raises.

    Attributes:
        code: stable slug of this kind of error, for scripts and the documentation.
        hint: one action that is likely to help.
        details: facts for logs, by name; never a secret.

    """

    default_code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = self.default_hint if hint is None else hint
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy by the attributes: keyword arguments do not survive the copying of an exception otherwise."""
        return _copied, (type(self), self.args, self.__dict__)


def _copied(kind: type[FlowlaunchError], args: tuple[Any, ...], attributes: dict[str, Any]) -> FlowlaunchError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class SettingsError(FlowlaunchError):
    """A setting is missing, wrong or contradicts another; nothing was sent."""

    default_code = "settings"
    default_hint = "Run `flowlaunch config` to see each setting and where its value came from."


class InputError(FlowlaunchError):
    """What was given cannot be launched; nothing was sent."""

    default_code = "input"


class PreflightError(InputError):
    """The input data does not fit the flow; nothing was sent.

    Attributes:
        problems: every problem found (`flowlaunch.models.Problem`), each with its cure.

    """

    default_code = "input-rejected"

    def __init__(self, message: str, *, problems: Sequence[Any], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class FlowLookupError(InputError):
    """The flow is unknown, ambiguous, of the wrong type or not published; nothing was launched.

    Attributes:
        candidates: names or ids that may have been meant.

    """

    default_code = "flow-lookup"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        candidates: Sequence[str] = (),
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.candidates = tuple(candidates)


class SandboxError(FlowlaunchError):
    """The sandbox cannot do what it was asked to."""

    default_code = "sandbox"
