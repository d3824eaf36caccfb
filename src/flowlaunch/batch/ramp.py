"""How a batch starts slowly: how many rows may have left before the first of them have ended well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT_RAMP", "Ramp", "stage_sizes"]

DEFAULT_RAMP: Final = ("1", "10", "1%", "all")
PATIENCE_S: Final = 600.0
"""Longest wait for the last executions of a stage: a flow may run for days."""
_STAGE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")


def stage_sizes(stages: Sequence[str], rows: int) -> tuple[int | None, ...]:
    """Return how many rows may have left by the end of each stage; None, always last, is all of them.

    Raises:
        SettingsError: a stage is neither a number of rows, a share such as `1%`, nor `all`.

    """
    sizes: list[int] = []
    for stage in stages:
        text = str(stage).strip().lower()
        if text == "all":
            break
        found = _STAGE.fullmatch(text)
        if found is None or (found[2] and float(found[1]) > 100):
            raise SettingsError(
                f"{stage!r} is no stage of a ramp", hint="Give rows, a share or all: --ramp 1,10,1%,all."
            )
        size = round(rows * float(found[1]) / 100) if found[2] else int(float(found[1]))
        if size > (sizes[-1] if sizes else 0):
            sizes.append(size)
    return (*(size for size in sizes if size < rows), None)


@dataclass(slots=True)
class Ramp:
    """The stages of one batch, gone through by what became of the executions.

    `left` counts rows whose request left or may have, `ended` those whose end is known (refused rows and rows in
    doubt among them).
    """

    sizes: tuple[int | None, ...]
    patience_s: float = PATIENCE_S
    stage: int = 0
    full_since_s: float | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether all rows may leave."""
        return self.sizes[self.stage] is None

    def allowance(self, left: int) -> int | None:
        """Return how many more rows may leave in this stage; None is any number."""
        size = self.sizes[self.stage]
        return None if size is None else max(0, size - left)

    def advance(self, left: int, ended: int, now_s: float, *, is_within_budget: bool) -> bool:
        """Go on to the next stage if this one went well; tell whether it did.

        A stage is over when all of its rows have ended, or, after `patience_s`, some of them.
        """
        size = self.sizes[self.stage]
        if size is None or left < size:
            self.full_since_s = None
            return False
        if self.full_since_s is None:
            self.full_since_s = now_s
        is_patience_spent = now_s - self.full_since_s >= self.patience_s
        if not is_within_budget or not (ended >= left or is_patience_spent):
            return False
        self.stage += 1
        self.full_since_s = None
        return True
