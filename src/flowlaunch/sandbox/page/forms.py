"""What the sandbox's page can change: the same as the control plane, through the same service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from flowlaunch.pages.answers import Done, PageError
from flowlaunch.sandbox.clock import CLOCK_MODES
from flowlaunch.sandbox.faults import FAULTS, fault_from_json

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.pages.answers import Form
    from flowlaunch.sandbox.service import Service

__all__ = ["Forms"]

LONGEST_ADVANCE_S = 10 * 365 * 86_400
MOST_CALLS = 10_000


class Forms:
    """The actions of one sandbox's page."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def advance(self, request: Request, form: Form) -> Done:
        """Move the clock on."""
        del request
        seconds = form.number("seconds", least=0, most=LONGEST_ADVANCE_S)
        self._service.advance(seconds)
        return Done("advanced", round(seconds))

    async def set_mode(self, request: Request, form: Form) -> Done:
        """Change the clock's mode."""
        del request
        self._service.set_clock(form.choice("mode", CLOCK_MODES))
        return Done("mode")

    async def reset(self, request: Request, form: Form) -> Done:
        """Go back to the seed."""
        del request, form
        self._service.reset()
        return Done("reset", to="/")

    async def add_fault(self, request: Request, form: Form) -> Done:
        """Set a fault: at the next calls, at every call, or by chance."""
        del request
        operation = form.text("operation")
        fault = fault_from_json({**_settings(form.text("settings")), "kind": form.choice("kind", tuple(FAULTS))})
        faults = self._service.faults
        match form.choice("which", ("next", "every", "chance")):
            case "next":
                faults.next(operation, fault, form.whole("times", least=1, most=MOST_CALLS))
            case "every":
                faults.script(operation, None, fault)
            case _:
                faults.chance(operation, fault, form.number("percent", least=0, most=100) / 100)
        return Done("fault")

    async def clear_faults(self, request: Request, form: Form) -> Done:
        """Forget every fault."""
        del request, form
        self._service.faults.clear()
        return Done("faults-cleared")

    async def clear_journal(self, request: Request, form: Form) -> Done:
        """Forget every request."""
        del request, form
        self._service.journal.clear()
        return Done("journal-cleared", to="/requests")

    async def revoke_tokens(self, request: Request, form: Form) -> Done:
        """End every access token."""
        del request, form
        return Done("revoked", self._service.revoke_tokens())


def _settings(text: str) -> dict[str, object]:
    """Read a fault's further fields, written as JSON."""
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError as error:
        hint = 'Write for example {"code": 503}.'
        raise PageError(400, "These settings are no JSON object", str(error), hint) from error
