"""Rules about the launch's body, its answer and the execution that is polled."""

from __future__ import annotations

import re
from typing import Final

from flowlaunch.explain.finding import Rule

__all__ = ["RULES"]

_LAUNCH: Final = re.compile(r"flow_?id\b|flows/executions|flow_input|/execute\b|execution", re.IGNORECASE)
_EXECUTE: Final = re.compile(r"flowType|/flows/[^\s/]+/execute|execute_flow", re.IGNORECASE)
_REQUEST_MODEL: Final = "official Python SDK 269.0.0, models/flow_execution_launch_request.py"
_RIGHT_BODY: Final = '{"flowId": "<flow id>", "inputData": {"Flow.customerName": "Jane Doe"}, "name": "<label>"}'

RULES: Final = (
    Rule(
        id="body-field-data",
        pattern=re.compile(r"""["']data["']\s*:|\bdata\s*:\s*(?=\{)"""),
        needs=_LAUNCH,
        finding="the launch body has no field `data`: it is dropped and the flow starts without input",
        cure='name the field inputData: "inputData": {"Flow.customerName": "Jane Doe"}',
        evidence="official",
        source=_REQUEST_MODEL,
        example='{"flowId": "1", "data": {"Flow.a": 1}}',
        counterexample='{"flowId": "1", "inputData": {"Flow.a": 1}}',
    ),
    Rule(
        id="body-field-execution-context",
        pattern=re.compile(r"""["']?\bexecutionContext\b["']?"""),
        finding="the launch body has no field `executionContext`: it is dropped",
        cure='the nearest real thing is a label, "name": "req-12345"; data for the flow goes in as inputs',
        evidence="official",
        source=_REQUEST_MODEL,
        example='payload["executionContext"] = ctx',
        counterexample='payload["name"] = "req-12345"',
    ),
    Rule(
        id="body-field-invented",
        pattern=re.compile(r"""["']?\b(initialData|flowStartPointId|customData|startEventData)\b["']?\s*[:=]"""),
        finding="the launch body has flowId, flowVersion, inputData and name, and nothing else",
        cure=_RIGHT_BODY,
        evidence="official",
        source=_REQUEST_MODEL,
        example='{"flowId": "1", "initialData": {}}',
        counterexample='{"flowId": "1", "flowVersion": "2.0"}',
    ),
    Rule(
        id="body-field-flow-type",
        pattern=re.compile(r"""["']?\bflowType\b["']?\s*[:=]\s*["'](?P<type>\w+)["']"""),
        finding="a launch takes no `flowType`, and there is no flow type named shared",
        cure="leave it out; the flow's own type is read from GET /api/v2/flows/{flowId}",
        evidence="official",
        source="official Python SDK 269.0.0, models/flow.py (enum of type) and flow_execution_launch_request.py",
        example='{"flowType": "shared", "inputs": {}}',
        counterexample='{"flowId": "1", "inputData": {}}',
    ),
    Rule(
        id="body-field-inputs",
        pattern=re.compile(r"""["']inputs["']\s*:"""),
        needs=_EXECUTE,
        finding="the launch body has no field `inputs`",
        cure='name the field inputData: "inputData": {"Flow.userId": "..."}',
        evidence="official",
        source=_REQUEST_MODEL,
        example='{"flowType": "shared", "inputs": {}}',
        counterexample='{"flowId": "1", "inputData": {}}',
    ),
    Rule(
        id="body-field-metadata",
        pattern=re.compile(r"""["']metadata["']\s*:|["']correlationId["']\s*:"""),
        needs=_EXECUTE,
        finding="the launch body has no field `metadata` and takes no correlation id",
        cure="pass what you want to trace as an input, or as the label `name`; the answer's correlation id "
        "is in "
        "the header ININ-Correlation-Id",
        evidence="official",
        source=_REQUEST_MODEL,
        example='{"flowType": "shared", "metadata": {}}',
        counterexample='{"flowId": "1", "name": "order 7"}',
    ),
    Rule(
        id="nested-flow-object",
        pattern=re.compile(r"""["']Flow["']\s*:\s*\{"""),
        finding="a nested object `Flow` is accepted at launch and ignored: every input stays NOT_SET",
        cure='flat keys with the prefix: {"Flow.userEmail": "a@example.com"}',
        evidence="reported",
        source="developer forum 20500, with the real payload and its failed run",
        example='{"flowId": "1", "inputData": {"Flow": {"userEmail": "x"}}}',
        counterexample='{"flowId": "1", "inputData": {"Flow.userEmail": "x"}}',
    ),
    Rule(
        id="response-execution-id",
        pattern=re.compile(r"""\[\s*["']executionId["']\s*\]|\.get\(\s*["']executionId["']|\b\w+\.executionId\b"""),
        unless_anywhere=re.compile(r"v2\.flows\.instances"),
        finding="the launch's answer has no field `executionId`: this raises or gives nothing after the flow started",
        cure='read "id"; the answer has id, name, flowVersion and selfUri',
        evidence="official",
        source="official Python SDK 269.0.0, models/flow_execution_launch_response.py",
        example='return result["executionId"]',
        counterexample='return result["id"]',
    ),
    Rule(
        id="execution-has-no-flow-id",
        pattern=re.compile(r"""\b(?:status|execution|poll\w*|state|run)\w*(?:\.get\(|\[)\s*["']flowId["']"""),
        finding="an execution that is read back has no field `flowId`",
        cure="it has flowVersion (an object with id and name); keep the flow id that you launched",
        evidence="official",
        source="official Python SDK 269.0.0, models/flow_runtime_execution.py",
        example="status.get('flowId', 'Unknown')",
        counterexample="status.get('flowVersion', {})",
    ),
    Rule(
        id="status-201",
        pattern=re.compile(r"""status(?:_?code)?\b\s*(?:!==?|===?|is|is not)\s*201\b|\b201 Created\b""", re.IGNORECASE),
        needs=_LAUNCH,
        finding="a launch most likely answers 200; a check for 201 then takes each success for a failure, "
        "and the flow runs",
        cure="accept any 2xx: if 200 <= response.status_code < 300",
        evidence="inferred",
        source="official gc CLI names the answer `successful operation`, which stood on 200 in 778 of 778 operations",
        example="# POST /flows/executions\nif response.status_code != 201: raise Exception",
        counterexample="# POST /flows/executions\nif not response.ok: raise Exception",
    ),
    Rule(
        id="start-event-mismatch",
        pattern=re.compile(r"flow start event data mismatch", re.IGNORECASE),
        finding="the platform knows no such error: wrong input names are accepted at launch, and the run fails later",
        cure="compare the keys with the flow's inputs before the launch: flowlaunch check FLOW -i name=value",
        evidence="reported",
        source="the text occurs in no official material; developer forum 20500 shows what happens instead",
        example="Error: 400 - Flow start event data mismatch",
        counterexample="An expression resulted in a null where one is disallowed.",
    ),
    Rule(
        id="start-event",
        pattern=re.compile(
            r"\b(?:generic |specific |http )?start events?\b(?! data mismatch)|"
            r"[“\"']Data[”\"'] tab|\bData tab\b",
            re.IGNORECASE,
        ),
        needs=_LAUNCH,
        finding="Architect has no start events with a Data tab; a workflow's inputs are variables marked `input`",
        cure="list them with `flowlaunch flows inputs FLOW`; inputs are optional, one that is not sent is NOT_SET",
        evidence="official",
        source="official Terraform provider, example of a triggered workflow (isInput); blueprint wfm-hris",
        example="keys must match the variables of the flow's Start Event (flow_input)",
        counterexample="keys must match the flow's input variables (flow_input)",
    ),
)
