"""Which rows are launched, when, and why not: pure decisions over prepared rows."""

from flowlaunch.batch.rules.book import RuleBook, load_rule_book
from flowlaunch.batch.rules.deciding import AttemptLimit, Confirmation, Rules, RulesConfig, Tally, confirmation
from flowlaunch.batch.rules.do_not_contact import DoNotContact
from flowlaunch.batch.rules.forecast import Forecast, Forecaster, LateGroup
from flowlaunch.batch.rules.planning import plan_rows
from flowlaunch.batch.rules.reopening import Reopener, reopener_of
from flowlaunch.batch.rules.windows import CallingWindows, WindowRules, regional_notes

__all__ = [
    "AttemptLimit",
    "CallingWindows",
    "Confirmation",
    "DoNotContact",
    "Forecast",
    "Forecaster",
    "LateGroup",
    "Reopener",
    "RuleBook",
    "Rules",
    "RulesConfig",
    "Tally",
    "WindowRules",
    "confirmation",
    "load_rule_book",
    "plan_rows",
    "regional_notes",
    "reopener_of",
]
