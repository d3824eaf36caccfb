"""What a running flow asks of the world, and the answers it takes.

The interpreter does no I/O: it yields one of the effects below and is sent the answer that the effect's
docstring names. Sandbox, `flow run` and tests drive it alike. Every value in an effect or an answer is JSON
(text, numbers, booleans, None, lists, mappings), but for `Found.value` of a `Lookup`, which may also be a
`NetworkObject`, and `FindModule`, which is answered with a loaded `Flow`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.flow import ActionRef

__all__ = [
    "Answer",
    "CallDataAction",
    "CallDecisionTable",
    "DataActionFailure",
    "DataActionSuccess",
    "DataActionTimeout",
    "Done",
    "Effect",
    "EvaluateSchedule",
    "Failed",
    "FindModule",
    "Found",
    "Lookup",
    "NotFound",
    "Notify",
    "Perform",
    "ReadConversation",
    "ScheduleState",
    "TableLookup",
    "Taken",
    "Wait",
    "WriteConversation",
]


@dataclass(frozen=True, slots=True)
class CallDataAction:
    """Call a data action; answered by DataActionSuccess, DataActionFailure or DataActionTimeout.

    Attributes:
        category: name of the integration, as the flow spells it.
        action: name of the data action.
        inputs: contract name -> value; an input that the flow left out is absent, a NOT_SET one is None.
        timeout_s: the flow's own limit; None means the action's suggested timeout.

    """

    ref: ActionRef
    category: str
    action: str
    inputs: Mapping[str, Any]
    timeout_s: float | None = None
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class DataActionSuccess:
    """The action succeeded.

    `outputs` may be the success result as the contract nests it, or its flattened names (`user.id`).
    """

    outputs: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataActionFailure:
    """The action failed; `fields` are some of the 13 failure outputs: `errorCode`, `status`..."""

    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataActionTimeout:
    """The action did not answer in time."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let `duration_s` seconds pass; answered by None, or by Failed when the run may not last that long.

    `trim`: shorten the wait so that the run stays inside the platform's longest run time.
    """

    ref: ActionRef
    duration_s: float
    trim: bool = False


@dataclass(frozen=True, slots=True)
class TableLookup:
    """Read the row of a data table whose key is `key`; answered by Found(row as a mapping), NotFound or Failed."""

    ref: ActionRef
    table: str
    key: str


@dataclass(frozen=True, slots=True)
class CallDecisionTable:
    """Ask a decision table; answered by Found(outputs as a mapping), NotFound or Failed."""

    ref: ActionRef
    table: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReadConversation:
    """Read participant attributes; answered by Found(attribute name -> text), NotFound or Failed.

    `participant_id` None means the customer's participant; `conversation_id` None the flow's own conversation.
    """

    ref: ActionRef
    conversation_id: str | None
    participant_id: str | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteConversation:
    """Write participant attributes (None removes one); answered by Done or Failed."""

    ref: ActionRef
    conversation_id: str | None
    participant_id: str | None
    attributes: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Find one thing of the organization; answered by Found, NotFound or Failed.

    Attributes:
        kind: `queue`, `user`, `skill`, `languageSkill`, `schedule`, `scheduleGroup`, `emergencyGroup`, `group`,
            `externalContact`, `externalOrganization`, `response`, `journeySession`...
        by: `id`, `name`, or for searches the name of the field.
        key: what to look for.
        many: a search: Found holds a list.

    """

    ref: ActionRef
    kind: str
    by: str
    key: Any
    many: bool = False


@dataclass(frozen=True, slots=True)
class EvaluateSchedule:
    """Tell whether a schedule or schedule group is active at `at` (ISO text; None: now).

    Answered by ScheduleState or Failed.
    """

    ref: ActionRef
    kind: str
    name: str
    at: str | None = None
    emergency_group: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """State of a schedule: `path` is `active` or `inactive`; of a group `open`, `closed`, `holiday` or `emergency`."""

    path: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Send a notification (an e-mail to users); answered by Done or Failed."""

    ref: ActionRef
    kind: str
    subject: str
    body: str
    users: tuple[Any, ...] = ()
    sender: str | None = None
    style: str | None = None


@dataclass(frozen=True, slots=True)
class FindModule:
    """Find a common module; answered by Found(the loaded Flow) or NotFound. The interpreter runs it itself.

    `version`: `latestPublished`, or a version such as `1.0`.
    """

    ref: ActionRef
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Perform:
    """Do anything else, for the record; answered by Done, Failed, or Taken to choose a path and give outputs.

    Attributes:
        verb: the action's key, e.g. `playAudio`, `setFlowOutcome`, `transferToVoicemail`.
        inputs: the action's fields as JSON.
        paths: the output paths the flow filled.

    """

    ref: ActionRef
    verb: str
    inputs: Mapping[str, Any]
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked for, as JSON (for `FindModule`: a Flow)."""

    value: Any


@dataclass(frozen=True, slots=True)
class NotFound:
    """Nothing matches."""


@dataclass(frozen=True, slots=True)
class Done:
    """It was done: the action's success path; `outputs` fill the variables bound on it."""

    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed: the action's failure path; error type and message fill its failure outputs."""

    error_type: str = ""
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The action left by `path`, with these outputs."""

    path: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


Effect: TypeAlias = (
    CallDataAction
    | CallDecisionTable
    | EvaluateSchedule
    | FindModule
    | Lookup
    | Notify
    | Perform
    | ReadConversation
    | TableLookup
    | Wait
    | WriteConversation
)
Answer: TypeAlias = (
    DataActionSuccess
    | DataActionFailure
    | DataActionTimeout
    | Found
    | NotFound
    | Done
    | Failed
    | Taken
    | ScheduleState
    | None
)
