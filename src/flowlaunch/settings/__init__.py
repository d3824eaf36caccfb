"""Settings: argument > environment > profile > gc CLI profile > default, and where each value came from."""

from __future__ import annotations

from flowlaunch.settings.load import Settings, load_settings

__all__ = ["Settings", "load_settings"]
