"""Rules about what programs print when something went wrong."""

from __future__ import annotations

import re
from typing import Final

from flowlaunch.explain.finding import Rule

__all__ = ["RULES"]

_SDK_RUN: Final = "run of the official Python SDK 269.0.0 against servers that misbehaved"
_REASONING: Final = "what the network layers guarantee; see the explanation of at-most-once launches"

RULES: Final = (
    Rule(
        id="key-error-execution-id",
        pattern=re.compile(r"KeyError: ['\"]executionId['\"]"),
        finding="the launch was accepted and the flow is running; only its answer was read wrongly",
        cure='do not launch again: the answer\'s field is "id"',
        evidence="official",
        source="official Python SDK 269.0.0, models/flow_execution_launch_response.py",
        example="KeyError: 'executionId'",
        counterexample="KeyError: 'id'",
    ),
    Rule(
        id="key-error-access-token",
        pattern=re.compile(r"KeyError: ['\"]access_token['\"]"),
        finding="the login host answered with an error, and the program did not look at the status",
        cure="read `error` and `error_description` of the answer; status 400 means wrong id, secret or region, or wait",
        evidence="observed",
        source=_SDK_RUN,
        example="KeyError: 'access_token'",
        counterexample="KeyError: 'token'",
    ),
    Rule(
        id="connection-refused",
        pattern=re.compile(r"connection refused|ConnectionRefusedError|ECONNREFUSED", re.IGNORECASE),
        finding="nothing listens at that host and port: nothing was sent, so repeating is safe",
        cure="check host, port and proxy; `flowlaunch doctor` tests each",
        evidence="inferred",
        source=_REASONING,
        example="[Errno 111] Connection refused",
        counterexample="Connection established",
    ),
    Rule(
        id="name-not-resolved",
        pattern=re.compile(
            r"getaddrinfo failed|Name or service not known|nodename nor servname|NameResolutionError|"
            r"ENOTFOUND"
        ),
        finding="the host name does not exist or cannot be looked up: nothing was sent",
        cure="check the region's spelling (flowlaunch doctor); invented hosts such as api.eu.pure.cloud.com end here",
        evidence="inferred",
        source=_REASONING,
        example="socket.gaierror: [Errno -2] Name or service not known",
        counterexample="socket.timeout: timed out",
    ),
    Rule(
        id="certificate",
        pattern=re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|certificate verify failed"),
        finding="the certificate is not signed by anyone trusted here, often a proxy that reads TLS: nothing was sent",
        cure="give the proxy's CA: FLOWLAUNCH_CA_FILE=/path/ca.pem; never switch verification off",
        evidence="inferred",
        source=_REASONING,
        example="ssl.SSLCertVerificationError: self-signed certificate",
        counterexample="ssl.SSLZeroReturnError: closed",
    ),
    Rule(
        id="answer-lost",
        pattern=re.compile(
            r"read timed out|ReadTimeout|connection reset by peer|ConnectionResetError|RemoteDisconnected|"
            r"Connection aborted|ECONNRESET|socket hang up",
            re.IGNORECASE,
        ),
        weight="risk",
        finding="the request had left and its answer was lost: if it was a launch, the flow may be running",
        cure="do not repeat a launch blindly; look for an execution of this flow at this time first",
        evidence="inferred",
        source="the launch operation has no idempotency key in any official client; " + _REASONING,
        example="requests.exceptions.ReadTimeout: Read timed out.",
        counterexample="requests.exceptions.InvalidURL: bad",
    ),
    Rule(
        id="max-retries",
        pattern=re.compile(r"MaxRetryError|Max retries exceeded with url"),
        weight="risk",
        finding="the library repeated the request before it gave up; the official Python SDK does so with launches too",
        cure="look for several executions of this flow at this time",
        evidence="observed",
        source=_SDK_RUN + ": 11 launches for one lost answer",
        example="urllib3.exceptions.MaxRetryError: HTTPSConnectionPool",
        counterexample="urllib3.exceptions.HTTPError: bad",
    ),
    Rule(
        id="outdated-sdk-version",
        pattern=re.compile(r"outdated_sdk_version"),
        finding="the official Python SDK met a value that it does not know, and lost it",
        cure="read the raw JSON, or update the SDK",
        evidence="observed",
        source=_SDK_RUN,
        example="status: outdated_sdk_version",
        counterexample="status: RUNNING",
    ),
)
