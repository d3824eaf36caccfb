"""Rules about paths, packages, retries and timeouts."""

from __future__ import annotations

import re
from typing import Final

from flowlaunch.explain.finding import Rule

__all__ = ["RULES"]

_SDK_RUN: Final = "run of the official Python SDK 269.0.0 against a server that read the launch and hung up"
_CALL_CHARS: Final = 4_000
_LAUNCH: Final = re.compile(r"flow|execution", re.IGNORECASE)


def _without_timeout(match: re.Match[str]) -> str | None:
    """Tell the cure when the call that begins at `match` names no timeout up to its closing bracket."""
    text, depth = match.string, 0
    for end in range(match.end() - 1, min(len(text), match.end() + _CALL_CHARS)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            break
    else:
        end = match.end() + _CALL_CHARS
    call = text[match.start() : end]
    if "timeout" in call or "**" in call:
        return None
    return f"{match[0]}..., timeout=30); a launch that timed out may be running: never just repeat it"


RULES: Final = (
    Rule(
        id="execute-path",
        pattern=re.compile(r"/architect/flows/[^\s/]+/execute"),
        finding="the platform has no such operation",
        cure="POST /api/v2/flows/executions with flowId and inputData in the body",
        evidence="official",
        source="full path list of the official SDKs and the gc CLI",
        example="POST /api/v2/architect/flows/{flowId}/execute",
        counterexample="POST /api/v2/flows/executions",
    ),
    Rule(
        id="sdk-execute-flow",
        pattern=re.compile(r"platformClient\.architect\.\w+|\bexecute_flow\("),
        finding="the official SDK has no such method",
        cure="PureCloudPlatformClientV2.ArchitectApi(client).post_flows_executions(body), or flowlaunch's "
        "Client().launch(flow, input_data)",
        evidence="official",
        source="official Python SDK 269.0.0, apis/architect_api.py",
        example="platformClient.architect.flows.execute_flow(flow_id, body=payload)",
        counterexample="ArchitectApi(api_client).get_flows_execution(execution_id)",
    ),
    Rule(
        id="sdk-resends",
        pattern=re.compile(r"\bpost_flows_executions\("),
        weight="risk",
        finding="the official Python SDK repeats a launch whose answer was lost, up to 11 times, and never times out",
        cure="switch urllib3's retries off in the SDK's pool, or launch with flowlaunch, which sends it once",
        evidence="observed",
        source=_SDK_RUN,
        example="api.post_flows_executions(body)",
        counterexample="api.get_flows_execution(execution_id)",
    ),
    Rule(
        id="sdk-package",
        pattern=re.compile(
            r"\bgenesys-cloud-sdk\b|(?:pip install|import|from)\s+(?:genesyscloud|genesys_cloud\w*|"
            r"purecloud_platform_client)\b|\bGenesys Cloud Python SDK v?[0-9][\w.]*",
            re.IGNORECASE,
        ),
        finding="the official Python package has another name, and version numbers above 200",
        cure="pip install PureCloudPlatformClientV2",
        evidence="official",
        source="PyPI, PureCloudPlatformClientV2 269.0.0",
        example="import genesyscloud",
        counterexample="import PureCloudPlatformClientV2",
    ),
    Rule(
        id="retry-powers-of-two",
        pattern=re.compile(r"\b2\s*\*\*\s*\(?\s*\w*(?:attempt|retr|tries|i\b)\w*|Math\.pow\(\s*2|1s, 2s, 4s"),
        finding="a 429 says how long to wait, and 1 s, 2 s, 4 s does not listen",
        cure="wait for the seconds of the header Retry-After; repeat a launch only after 429, or when it was not sent",
        evidence="official",
        source="official announcement of the normalized 429 answers (forum 12028)",
        example="time.sleep(2 ** attempt)",
        counterexample="time.sleep(int(response.headers['Retry-After']))",
    ),
    Rule(
        id="backoff-advice",
        pattern=re.compile(r"\bexponential backoff\b", re.IGNORECASE),
        needs=_LAUNCH,
        weight="note",
        finding="exponential backoff ignores what the service says",
        cure="on 429 wait for Retry-After, which can be minutes or hours; give up when it does not fit your deadline",
        evidence="official",
        source="official announcement of the normalized 429 answers (forum 12028); official Java and Go SDKs",
        example="The flow API answers 429: implement exponential backoff.",
        counterexample="The flow API answers 429: honour Retry-After.",
    ),
    Rule(
        id="status-from-text",
        pattern=re.compile(r"""["']4\d\d["']\s+in\s+str\(|["']5\d\d["']\s+in\s+str\("""),
        weight="risk",
        finding="looking for a status in an error's text also finds it in ids and messages",
        cure="branch on the response's status, or on flowlaunch's error class (RateLimitedError)",
        evidence="inferred",
        source="flow ids are UUIDs, and about 7 of 1,000 hold the digits 429",
        example='if "429" in str(e): retry()',
        counterexample="if response.status_code == 429: retry()",
    ),
    Rule(
        id="ratelimit-headers",
        pattern=re.compile(r"inin-ratelimit-(?:count|allowed|reset)", re.IGNORECASE),
        finding="these headers were removed in 2021: more than one limit applies to a request",
        cure="use Retry-After of the 429, and the `limit` object of its body",
        evidence="official",
        source="official announcement of the removal (forum 10506)",
        example="h['inin-ratelimit-reset']",
        counterexample="h['Retry-After']",
    ),
    Rule(
        id="no-timeout",
        pattern=re.compile(r"\brequests\.(?:get|post|put|patch|delete|request)\(|\burlopen\("),
        judge=_without_timeout,
        weight="risk",
        finding="without a timeout a silent server holds this call for ever",
        cure="",
        evidence="official",
        source="documentation of requests and of urllib: no timeout unless one is given",
        example="requests.post(url, json=payload)",
        counterexample="requests.post(url, json=payload, timeout=30)",
    ),
    Rule(
        id="curl-no-timeout",
        pattern=re.compile(r"^[^\n#]*\bcurl\b[^\n]*(?:\\\n[^\n]*)*", re.MULTILINE),
        judge=lambda match: (
            None if re.search(r"--max-time|\s-m\s?\d", match[0]) or "http" not in match[0] else "curl --max-time 30 ..."
        ),
        weight="risk",
        finding="without --max-time a silent server holds curl for ever",
        cure="",
        evidence="official",
        source="curl manual: no limit unless --max-time is given",
        example="curl -X POST https://api.mypurecloud.com/api/v2/flows/executions",
        counterexample="curl --max-time 30 -X POST https://api.mypurecloud.com/api/v2/flows/executions",
    ),
)
