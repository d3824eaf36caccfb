"""Points of the expression language that public material does not settle, as switches.

Each default is what we hold likeliest; `docs/reference/language-fidelity.md` gives the evidence for each.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal

__all__ = ["DEFAULT", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How expressions decide what nothing public settles.

    Attributes:
        index_out_of_range: GetAt and `[ ]` beyond a collection: a run-time error, or NOT_SET.
        missing_json_property: a property that a JSON object lacks: NOT_SET, or a run-time error.
        property_of_unset: a property of NOT_SET: a run-time error, or NOT_SET.
        unset_condition: a NOT_SET condition of If and `? :`: taken as false, or a run-time error.
        evaluation: If, `? :`, `and`, `or` evaluate only the operands they need, or all of them.
        empty_search: FindString for "": position 0, or -1.
        half: Round of an exact half: away from zero, or to the even neighbour.
        week: WeekNum counts Sunday weeks from January 1st, or ISO weeks.
        text_order: `<`, `>` and Compare order texts as people do, or by character code.
        fraction_text: ToInt of text with a fraction: a run-time error, or the fraction is cut.
        unreadable_date: ToDateTime and ToDuration of other text: a run-time error, or NOT_SET.

    """

    index_out_of_range: Literal["error", "unset"] = "error"
    missing_json_property: Literal["unset", "error"] = "unset"
    property_of_unset: Literal["error", "unset"] = "error"
    unset_condition: Literal["false", "error"] = "false"
    evaluation: Literal["lazy", "eager"] = "lazy"
    empty_search: Literal["first", "none"] = "first"
    half: Literal["away", "even"] = "away"
    week: Literal["sunday", "iso"] = "sunday"
    text_order: Literal["people", "code"] = "people"
    fraction_text: Literal["error", "cut"] = "error"
    unreadable_date: Literal["error", "unset"] = "error"

    def choices(self) -> frozenset[tuple[str, str]]:
        """Give the choices that differ from the defaults, as (point, choice)."""
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return frozenset((name, choice) for name, choice in mine.items() if choice != _DEFAULTS[name])


_DEFAULTS: Final = {field.name: field.default for field in fields(Dialect)}
DEFAULT: Final = Dialect()
