"""The official Python SDK under the conformance kit: its defaults, and the one timeout setting that it has.

It has no outcome for a launch in doubt: a 4xx is told as not launched, whatever else it raises as failed. It offers
nothing for waiting, so following is the loop that its users write.
"""

import json
import os
import time
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import PureCloudPlatformClientV2 as sdk  # noqa: N813 - shorter
from PureCloudPlatformClientV2.rest import ApiException

GIVEN = os.environ
DEADLINE_S = float(GIVEN["CONFORMANCE_DEADLINE_S"])
READ_EVERY_S = 0.5


def say(**fields: Any) -> None:
    """Say one line."""
    print(json.dumps(fields), flush=True)


def signed_in() -> Any:
    """Make a client as the SDK's README does, with a gateway and a timeout, and sign it in."""
    where = urlsplit(GIVEN["CONFORMANCE_API_URL"])
    client = sdk.ApiClient()
    client.set_gateway(where.hostname, where.scheme, where.port, None, None)
    client.get_http_client().set_timeout(DEADLINE_S * 1_000)
    client.get_client_credentials_token(GIVEN["CONFORMANCE_CLIENT_ID"], GIVEN["CONFORMANCE_CLIENT_SECRET"])
    return client


def launch(architect: Any) -> None:
    """Launch once and say what came of it."""
    request = sdk.FlowExecutionLaunchRequest()
    request.flow_id = GIVEN["CONFORMANCE_FLOW_ID"]
    request.input_data = json.loads(GIVEN["CONFORMANCE_INPUT"])
    try:
        launched = architect.post_flows_executions(request)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        tell(error)
        return
    if not isinstance(launched.id, str):
        say(outcome="failed", error="an answer without an id")
    else:
        follows = GIVEN["CONFORMANCE_FOLLOW"] == "1"
        say(outcome="launched", id=launched.id, final_status=followed(architect, launched.id) if follows else None)


def followed(architect: Any, execution_id: str) -> str | None:
    """Read an execution until it has ended; None when reading failed."""
    until_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < until_s:
        try:
            status: str = architect.get_flows_execution(execution_id).status
        except ApiException:
            return None
        if status != "RUNNING":
            return status
        time.sleep(READ_EVERY_S)
    return None


def tell(error: Exception) -> None:
    """Tell what an error tells."""
    status = error.status if isinstance(error, ApiException) else None
    is_refusal = status is not None and 400 <= status < 500
    say(
        outcome="not-launched" if is_refusal else "failed",
        error=type(error).__name__,
        status=status,
        message=str(error)[:500],
    )


def main() -> None:
    """Do the task."""
    say(
        client=f"PureCloudPlatformClientV2 {version('PureCloudPlatformClientV2')}",
        settings="official Python SDK: ApiClient with its defaults, set_gateway to the sandbox, "
        "set_timeout of its HTTP client set to the deadline (the SDK keeps that setting and does not use it)",
    )
    try:
        architect = sdk.ArchitectApi(signed_in())
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        tell(error)
        return
    for number in range(int(GIVEN["CONFORMANCE_LAUNCHES"])):
        if number:
            time.sleep(float(GIVEN["CONFORMANCE_PAUSE_S"]))
        launch(architect)


main()
