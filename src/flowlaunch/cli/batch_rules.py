"""The options of the rules: which rows may go, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.batch.prepare import Decider

__all__ = ["RULE_OPTIONS", "rules_of"]

RULE_OPTIONS: tuple[Callable[..., Any], ...] = ()


def rules_of(wanted: Mapping[str, Any]) -> tuple[Decider | None, str]:
    """Make the rules that the command line asks for, and the text by which a resume knows them."""
    del wanted
    return None, ""
