"""What the routes file may say, as structs; see docs/reference/gateway-routes.md."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowlaunch.batch.mapping.spec import RowColumns, ValueForms

__all__ = ["QuotaSpec", "RouteSpec", "RoutesFile", "RulesSpec"]


class QuotaSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many launches a route takes: of everybody, and of each key."""

    per_minute: int | None = None
    per_day: int | None = None
    per_key_per_minute: int | None = None
    per_key_per_day: int | None = None


class RulesSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which launches may go, and when: the rules of batches.

    Attributes:
        windows: calling windows in the contact's own time, such as `mon-fri 09:00-20:00`.
        holidays: day -> `closed` or windows.
        regional: the windows of the contact's country and region, too; `rule_files` replace those that come along.
        ambiguous_zone: a number that may lie in several zones: `hold` it, or send when all of them are open.
        attempts: launches of a contact in any period, such as `3/7d`; `attempts_wait` has further ones wait.
        once_ever: pass over keys that any batch of the ledger's folder launched.
        do_not_contact: files of numbers, addresses or keys.

    """

    windows: tuple[str, ...] = ()
    holidays: dict[str, str] = {}
    regional: bool = False
    rule_files: tuple[str, ...] = ()
    ambiguous_zone: Literal["hold", "all-open"] = "hold"
    attempts: str | None = None
    attempts_wait: bool = False
    once_ever: bool = False
    do_not_contact: tuple[str, ...] = ()


class RouteSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One route.

    Attributes:
        flow: the flow's id or exact name; `version` pins one, else the published one is launched.
        priority: 1 to 9; while routes compete for the pace, each gets a share in proportion to it.
        callers: names of the keys that may launch by it, `*` standing for any text; None: every key that may launch.
        max_waiting: launches that may wait to be sent; `concurrency`: in flight at once.
        token_input: an input of the flow that gets the launch's token, for reconciling.
        payloads: whether the ledger keeps, hashes or drops the input once it is launched; `outputs` likewise.
        map: input -> member of the request's input, or `jmespath:` and an expression over it.
        set: input -> text with `{member}` in it.
        row: members that the rules ask for; `values`: how texts are to be understood.
        by_name: whether members feed the inputs of their name.

    """

    flow: str
    version: str | None = None
    priority: int = 5
    callers: tuple[str, ...] | None = None
    max_waiting: int | None = None
    concurrency: int | None = None
    token_input: str | None = None
    payloads: Literal["keep", "hash", "drop"] = "keep"
    outputs: Literal["keep", "drop"] = "keep"
    quota: QuotaSpec = QuotaSpec()
    map: dict[str, str] = {}
    set: dict[str, str] = {}
    row: RowColumns = RowColumns()
    values: ValueForms = ValueForms()
    by_name: bool = True
    rules: RulesSpec = RulesSpec()


class RoutesFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: routes and hooks by name; `any_flow` lets launches name a flow instead of a route."""

    any_flow: bool = False
    routes: dict[str, dict[str, Any]] = {}
    hooks: dict[str, dict[str, Any]] = {}
