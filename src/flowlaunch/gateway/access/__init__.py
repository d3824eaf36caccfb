"""Who may come in: API keys, scopes, quotas, and sessions of the page."""

from __future__ import annotations

from flowlaunch.gateway.access.caller import SCOPES, Caller, require

__all__ = ["SCOPES", "Caller", "require"]
