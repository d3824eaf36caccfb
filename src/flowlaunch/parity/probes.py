"""The questions as data: harmless by themselves, in an order in which each finds the ids that it needs.

None but the last few can start anything, and those are asked only about a flow that the user named for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROBES", "Probe"]

Signed = Literal["yes", "no", "wrong token", "client", "client as form", "wrong client"]


@dataclass(frozen=True, slots=True)
class Probe:
    """One request that is sent to both sides.

    Attributes:
        name: stable, for reports.
        path: with `{flow_id}`, `{execution_id}` (found on the way), `{unknown_id}` (made up) and so on.
        settles: what is a guess until an org has answered; "" where the answer is published.
        signed: how; those with `client` are sign-ins, with its credentials as HTTP Basic or as form fields.
        body: JSON, its texts filled in as the path is; bytes go out as they are; a mapping of a sign-in is a form.
        finds: name of what the answer gives to later questions, and the keys that lead to it.
        launches: whether it may start an execution.
        until_ended: whether it is asked again until the execution has ended.

    """

    name: str
    method: str
    path: str
    settles: str = ""
    signed: Signed = "yes"
    body: Any = None
    media: str = "application/json"
    finds: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    launches: bool = False
    until_ended: bool = False

    @property
    def is_sign_in(self) -> bool:
        """Whether it goes to the login host."""
        return "client" in self.signed


TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
FLOWS: Final = "/api/v2/flows"
EXECUTIONS: Final = "/api/v2/flows/executions"
GRANT: Final = {"grant_type": "client_credentials"}
LABEL: Final = "flowlaunch parity"
"""Name of every execution that may start."""
NO_INPUT: Final = "Flow.flowlaunchParityHasNoSuchInput"


def _by_name(how: str, name: str, settles: str) -> Probe:
    return Probe(f"flows-name-{how}", "GET", f"{FLOWS}?pageSize=1&name={name}", f"{settles} (`name_filter`)")


PROBES: Final[tuple[Probe, ...]] = (
    Probe("sign-in", "POST", TOKEN, signed="client", body=GRANT),
    Probe(
        "sign-in-unknown-client", "POST", TOKEN, "how wrong credentials are refused", signed="wrong client", body=GRANT
    ),
    Probe(
        "sign-in-other-grant",
        "POST",
        TOKEN,
        "the words of other refusals at sign-in",
        signed="client",
        body={"grant_type": "flowlaunch_parity"},
    ),
    Probe(
        "sign-in-form",
        "POST",
        TOKEN,
        "whether client id and secret are taken as form fields (`form_credentials`)",
        signed="client as form",
        body=GRANT,
    ),
    Probe("whoami", "GET", "/api/v2/tokens/me"),
    Probe("no-token", "GET", "/api/v2/tokens/me", signed="no"),
    Probe("wrong-token", "GET", "/api/v2/tokens/me", signed="wrong token"),
    Probe("limits", "GET", "/api/v2/organizations/limits/namespaces/platform.api", "the shape of the limits"),
    Probe(
        "flows-page",
        "GET",
        f"{FLOWS}?type=workflow&pageNumber=1&pageSize=1&includeSchemas=true",
        "how schemas look in lists",
        finds={"flow_id": ("entities", 0, "id"), "flow_name": ("entities", 0, "name")},
    ),
    _by_name("whole", "{flow_name}", "how `name` filters lists"),
    _by_name("other-case", "{flow_name_swapped}", "whether letter case counts"),
    _by_name("part", "{flow_name_part}", "whether a part of the name is enough"),
    _by_name("wildcard", "{flow_name_part}*", "whether `*` is a wildcard"),
    Probe("flows-page-too-large", "GET", f"{FLOWS}?pageSize=501", "how a page over 500 is refused"),
    Probe("flows-page-no-number", "GET", f"{FLOWS}?pageNumber=first", "how a value that cannot be read is refused"),
    Probe("flow", "GET", f"{FLOWS}/{{flow_id}}", "how schemas render each type"),
    Probe("flow-versions", "GET", f"{FLOWS}/{{flow_id}}/versions?pageSize=1", "order and names of versions"),
    Probe("flow-configuration", "GET", f"{FLOWS}/{{flow_id}}/latestconfiguration", "what a configuration holds"),
    Probe("flow-unknown", "GET", f"{FLOWS}/{{unknown_id}}", "the code of an unknown flow"),
    Probe("flow-malformed", "GET", f"{FLOWS}/no-such-id", "the code of an id that is none"),
    Probe("execution-unknown", "GET", f"{EXECUTIONS}/{{unknown_id}}", "the code of an unknown execution"),
    Probe("execution-malformed", "GET", f"{EXECUTIONS}/no-such-id", "the code of an id that is none"),
    Probe("executions-list", "GET", EXECUTIONS, "how a method that is not there is refused"),
    Probe(
        "instances-query",
        "POST",
        f"{FLOWS}/instances/query?pageSize=1",
        "how execution data answers where it is off (`execution_data`)",
        body={"query": [{"criteria": {"key": "FlowId", "operator": "eq", "value": "{flow_id}"}}]},
    ),
    Probe(
        "launch-unknown-flow", "POST", EXECUTIONS, "the code of a launch of an unknown flow",
        body={"flowId": "{unknown_id}"},
    ),
    Probe("launch-malformed-flow", "POST", EXECUTIONS, "the same for no id", body={"flowId": "no-such-id"}),
    Probe("launch-no-flow", "POST", EXECUTIONS, "how a launch without flowId is refused", body={}),
    Probe("launch-no-object", "POST", EXECUTIONS, "how a body that is no object is refused", body=[]),
    Probe("launch-broken-json", "POST", EXECUTIONS, "how a body that is no JSON is refused", body=b'{"flowId": '),
    Probe(
        "launch-other-media", "POST", EXECUTIONS, "how another media type is refused", body=b"{}", media="text/plain"
    ),
    Probe(
        "launch-inputs-no-object",
        "POST",
        EXECUTIONS,
        "how inputData that is no object is refused",
        body={"flowId": "{unknown_id}", "inputData": "text"},
    ),
    Probe(
        "launch",
        "POST",
        EXECUTIONS,
        "the status of a launch: 200",
        body={"flowId": "{flow_id}", "inputData": "{input_data}", "name": LABEL},
        finds={"execution_id": ("id",)},
        launches=True,
    ),
    Probe(
        "execution-at-once", "GET", f"{EXECUTIONS}/{{execution_id}}", "whether an execution can be read at once",
        launches=True,
    ),
    Probe(
        "execution-ended",
        "GET",
        f"{EXECUTIONS}/{{execution_id}}",
        "fields and words of an execution that has ended",
        launches=True,
        until_ended=True,
    ),
    Probe(
        "launch-unknown-input",
        "POST",
        EXECUTIONS,
        "whether unknown input keys are dropped (`strict_inputs`)",
        body={"flowId": "{flow_id}", "inputData": {NO_INPUT: "x"}, "name": LABEL},
        launches=True,
    ),
    Probe(
        "launch-unknown-field",
        "POST",
        EXECUTIONS,
        "whether body fields that do not exist are dropped",
        body={"flowId": "{flow_id}", "inputData": "{input_data}", "name": LABEL, "flowlaunchParity": "x"},
        launches=True,
    ),
    Probe(
        "launch-unknown-version",
        "POST",
        EXECUTIONS,
        "the code of a version that is not there",
        body={"flowId": "{flow_id}", "flowVersion": "999999.0", "name": LABEL},
        launches=True,
    ),
)  # fmt: skip
"""In the order in which they are asked."""
