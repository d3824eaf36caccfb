"""Who may come in: API keys, scopes, quotas, and sessions of the page."""

from __future__ import annotations

from flowlaunch.gateway.access.caller import SCOPES, Caller, require
from flowlaunch.gateway.access.quotas import Limit

__all__ = ["SCOPES", "Caller", "Limit", "require"]
