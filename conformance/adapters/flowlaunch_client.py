"""flowlaunch's client for threads under the conformance kit: its defaults, with the deadline that it is given."""

import json
import os
import time
from typing import Any

import flowlaunch

GIVEN = os.environ
DEADLINE_S = float(GIVEN["CONFORMANCE_DEADLINE_S"])
INPUT_DATA = json.loads(GIVEN["CONFORMANCE_INPUT"])


def say(**fields: Any) -> None:
    """Say one line."""
    print(json.dumps(fields), flush=True)


def launch(client: flowlaunch.Client) -> None:
    """Launch once and say what came of it."""
    try:
        launched = client.launch(GIVEN["CONFORMANCE_FLOW_ID"], INPUT_DATA)
    except flowlaunch.LaunchInDoubtError as error:
        say(outcome="in-doubt", **named(error))
    except flowlaunch.FlowlaunchError as error:
        say(outcome="not-launched", **named(error))
    else:
        follows = GIVEN["CONFORMANCE_FOLLOW"] == "1"
        ended = client.wait(launched, wait_s=DEADLINE_S).status if follows else None
        say(outcome="launched", id=launched.id, final_status=ended)


def named(error: flowlaunch.FlowlaunchError) -> dict[str, Any]:
    """Tell what an error tells."""
    return {"error": type(error).__name__, "status": getattr(error, "status", None), "message": error.message}


def main() -> None:
    """Do the task."""
    say(
        client=f"flowlaunch {flowlaunch.__version__}",
        settings="Client with its defaults (preflight, pace, retries); timeout_s and wait_s are the deadline",
    )
    with flowlaunch.Client(
        GIVEN["CONFORMANCE_API_URL"],
        login_url=GIVEN["CONFORMANCE_LOGIN_URL"],
        client_id=GIVEN["CONFORMANCE_CLIENT_ID"],
        client_secret=GIVEN["CONFORMANCE_CLIENT_SECRET"],
        timeout_s=DEADLINE_S,
    ) as client:
        for number in range(int(GIVEN["CONFORMANCE_LAUNCHES"])):
            if number:
                time.sleep(float(GIVEN["CONFORMANCE_PAUSE_S"]))
            launch(client)


main()
