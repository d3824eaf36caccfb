"""A launch client of the standard library, good or bad on purpose: argv names its vice.

good: none. resends: launches again after anything but a 200. hangs: waits for ever for an answer. crashes: lets errors
through. lies: tells an id of its own making. denies: calls everything not launched that has no 200. vague: calls it
failed, without a name. hasty: does not listen to Retry-After. gives-up: repeats nothing. short-sighted: takes a 404 of
a read for the end. silent: says nothing. slurs: says what is none of the words. idle: does nothing at all. lingers:
says all in time and does not end. dawdles: takes its time between sign-in and launch. shy: ends after
the sign-in.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

VICE = sys.argv[1]
GIVEN = os.environ
DEADLINE_S = float(GIVEN["CONFORMANCE_DEADLINE_S"])
WHERE = urlsplit(GIVEN["CONFORMANCE_API_URL"])
REFUSED = frozenset({401, 429})
FOR_EVER_S = 3_600.0


class Lost(Exception):  # noqa: N818 - an answer that did not come
    """No answer, or half of one; `sent` tells whether the request had left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


def ask(method: str, path: str, body: bytes, headers: dict[str, str], until_s: float) -> tuple[int, Any, float]:
    """Send one request and read its answer before `until_s`: status, document, seconds to wait."""
    connection = http.client.HTTPConnection(WHERE.hostname, WHERE.port, timeout=max(0.05, until_s - time.monotonic()))
    sent = False
    try:
        connection.connect()
        connection.request(method, path, body, headers)
        sent = True
        answer = connection.getresponse()
        text = b""
        while piece := answer.read1():
            text += piece
            if time.monotonic() > until_s:
                raise Lost("too late", sent=True)
            if connection.sock is not None:  # None: the answer ends with its connection
                connection.sock.settimeout(max(0.05, until_s - time.monotonic()))
        wait_s = float(answer.headers.get("retry-after", "0.1"))
        return answer.status, json.loads(text) if text.startswith(b"{") else None, wait_s
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Lost(type(error).__name__, sent=sent) from error
    finally:
        connection.close()


class Client:
    """Signs in and launches, with the vice that it was given."""

    def __init__(self) -> None:
        self.token = ""

    def sign_in(self, until_s: float) -> None:
        pair = f"{GIVEN['CONFORMANCE_CLIENT_ID']}:{GIVEN['CONFORMANCE_CLIENT_SECRET']}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        _, document, _ = ask("POST", "/oauth/token", b"grant_type=client_credentials", headers, until_s)
        self.token = document["access_token"]
        if VICE == "dawdles":
            time.sleep(0.4)
        if VICE == "shy":
            raise SystemExit("thinks better of it")

    def launch(self) -> dict[str, Any]:
        """Launch once; gives the line to say."""
        until_s = time.monotonic() + (FOR_EVER_S if VICE == "hangs" else DEADLINE_S * 0.9)
        body = json.dumps({"flowId": GIVEN["CONFORMANCE_FLOW_ID"], "inputData": json.loads(GIVEN["CONFORMANCE_INPUT"])})
        tries = 0
        while True:
            if not self.token:
                self.sign_in(until_s)
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            tries += 1
            status, wait_s = None, 0.05
            try:
                status, document, wait_s = ask("POST", "/api/v2/flows/executions", body.encode(), headers, until_s)
            except Lost as lost:
                line = {"outcome": "in-doubt" if lost.sent else "not-launched", "error": str(lost)}
                again = not lost.sent or (VICE == "resends" and tries < 3)
            else:
                if status == 200 and document:
                    return {"outcome": "launched", "id": document["id"]}
                sure = 400 <= status < 500
                line = {"outcome": "not-launched" if sure else "in-doubt", "error": f"HTTP {status}", "status": status}
                again = status in REFUSED or (VICE == "resends" and tries < 3)
            if VICE == "gives-up" or not again or time.monotonic() + wait_s > until_s:
                return line
            if status == 401:
                self.token = ""
            if VICE != "hasty":
                time.sleep(wait_s)

    def follow(self, execution_id: str) -> str | None:
        """Read to the end; gives the final status."""
        until_s = time.monotonic() + DEADLINE_S
        headers = {"Authorization": f"Bearer {self.token}"}
        while time.monotonic() < until_s:
            status, document, _ = ask("GET", f"/api/v2/flows/executions/{execution_id}", b"", headers, until_s)
            if status == 200 and document["status"] != "RUNNING":
                return document["status"]
            if VICE == "short-sighted":
                return None
            time.sleep(0.02)
        return None


def spoken(line: dict[str, Any]) -> dict[str, Any]:
    """Turn the truth into what a client with this vice says."""
    is_launched = line["outcome"] == "launched"
    if VICE == "lies" and is_launched:
        return {**line, "id": "00000000-0000-4000-8000-000000000000"}
    if VICE == "denies" and not is_launched:
        return {**line, "outcome": "not-launched"}
    if VICE == "vague" and not is_launched:
        return {"outcome": "failed"}
    if VICE == "slurs":
        return {"outcome": "maybe"}
    return line


def write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    if VICE == "idle":
        return
    write("a greeting of some library")
    write(json.dumps({"client": f"fake {VICE}", "settings": "a | b"}))
    client = Client()
    for number in range(int(GIVEN["CONFORMANCE_LAUNCHES"])):
        if number:
            time.sleep(float(GIVEN["CONFORMANCE_PAUSE_S"]))
        line = client.launch()
        if VICE == "crashes" and line["outcome"] != "launched":
            raise SystemExit(f"Traceback: {line['error']}")
        if line["outcome"] == "launched" and GIVEN["CONFORMANCE_FOLLOW"] == "1":
            line["final_status"] = client.follow(line["id"])
        if VICE != "silent":
            write(json.dumps(spoken(line)))
    if VICE == "lingers":
        time.sleep(FOR_EVER_S)


main()
