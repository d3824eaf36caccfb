"""Exit codes: complete, documented, and decided by the class alone."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from flowlaunch import errors
from flowlaunch.cli import failures
from flowlaunch.cli.exits import EXIT_OF_CLASS, MEANING, Exit, exit_for

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"
CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.FlowlaunchError)]
WANTED = {
    "AuthenticationError": 4, "ConflictError": 1, "DeadlineError": 6, "DecodeError": 1, "ExecutionFailedError": 3,
    "FlowLookupError": 7, "InputError": 7, "InvalidRequestError": 7, "LaunchInDoubtError": 5, "NotFoundError": 7,
    "LedgerMismatchError": 7,
    "NotSentError": 1, "PermissionDeniedError": 4, "PreflightError": 7, "RateLimitedError": 6, "ReplyLostError": 1,
    "SandboxError": 1, "ServerError": 1, "SettingsError": 2,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_has_an_exit_code(kind):
    """Each class of the error tree ends a command with a code that has a meaning."""
    code = exit_for(kind.__new__(kind))
    assert code in MEANING
    assert code == WANTED.get(kind.__name__, Exit.ERROR)


def test_every_class_and_code_is_documented():
    """docs/reference/exit-codes.md has a line for each code and names each class of the table."""
    text = DOCS.read_text(encoding="utf-8")
    for code, meaning in MEANING.items():
        assert f"| {int(code)} |" in text
        assert meaning in text
    for kind in EXIT_OF_CLASS:
        assert f"`{kind.__name__}`" in text


def test_no_error_ends_with_the_code_of_a_batch():
    """8 says that a batch ended with rows not launched; no single error does."""
    assert Exit.NOT_LAUNCHED == 8
    assert Exit.NOT_LAUNCHED not in EXIT_OF_CLASS.values()


def test_an_error_is_told_with_code_details_and_hint():
    """An error reads as code, message, details that the message does not hold, and hint."""
    error = errors.RateLimitedError(
        "could not launch flow: too many (HTTP 429)", retry_after_s=42, operation="launch flow", hint="Wait."
    )
    assert failures.text_of(error).splitlines() == [
        "error[rate-limited] could not launch flow: too many (HTTP 429)",
        "  retry after (s): 42",
        "  hint: Wait.",
    ]


def test_a_defect_is_told_by_place_and_not_by_value(command, monkeypatch):
    """An unexpected exception ends with 1 and names its place; its text, which may hold a secret, is left out."""
    import flowlaunch.settings as settings_module

    def broken(*_arguments, **_keywords):
        raise RuntimeError("hunter2")

    monkeypatch.setattr(settings_module, "load_settings", broken)
    ended = command("config", "show")
    assert ended.code == 1
    assert "error[internal] RuntimeError in broken" in ended.err
    assert "hunter2" not in ended.err
