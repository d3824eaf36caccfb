"""Walk from the settings to the flow, one step after the other, and say what to fix."""

from __future__ import annotations

from flowlaunch.doctor.steps import STEPS, Patient, Step, examine

__all__ = ["STEPS", "Patient", "Step", "examine"]
