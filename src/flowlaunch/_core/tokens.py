"""Signing in: the token request of each grant, the life of a token, and what refusals mean."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from flowlaunch._core.failures import UNREADABLE, api_error, lost_error, read_error_body, retry_after_s, shown_body
from flowlaunch._core.messages import Call, Lost, Request, Response
from flowlaunch._core.redact import redact_text, scrubbed
from flowlaunch._core.retry import Outcome, outcome_of
from flowlaunch._core.steps import Deadline, Moment, Now, Pause, Plan, Send
from flowlaunch.contracts import Operation
from flowlaunch.credentials import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    Credentials,
    Pkce,
    RefreshToken,
    Saml2Bearer,
)
from flowlaunch.errors import (
    AuthenticationError,
    DeadlineError,
    DecodeError,
    FlowlaunchError,
    NotFoundError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch._core.retry import RetryPolicy
    from flowlaunch.contracts import Contract
    from flowlaunch.regions import Hosts

E = TypeVar("E", bound=FlowlaunchError)

EARLY_S: Final = 300.0
DEFAULT_LIFE_S: Final = 86_400.0
"""Life assumed when an answer omits `expires_in`. Source: default of an OAuth client (official)."""

SIGN_IN: Final = Operation("token", "sign in", "POST", "", "", is_repeatable=True, evidence="official")
REDEEM: Final = Operation("token", "sign in", "POST", "", "", is_repeatable=False, evidence="official")
"""Codes and assertions are good for one use, so their exchange is not repeated after a lost answer."""


@dataclass(frozen=True, slots=True)
class Held:
    """A token in use. `generation` counts renewals; instants are on the monotonic clock, in seconds.

    A token that was given from elsewhere is not renewable: its refusal is final.
    """

    token: str = field(repr=False)
    generation: int
    renew_at_s: float = float("inf")
    expires_unix_s: float = float("inf")
    refresh_token: str = field(default="", repr=False)
    is_renewable: bool = True


NOTHING_HELD: Final = Held("", 0, renew_at_s=float("-inf"))


def is_token(text: str) -> bool:
    """Whether `text` can stand in an Authorization header: visible ASCII without blanks."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


@dataclass(frozen=True, slots=True)
class Grant:
    """A token endpoint's positive answer."""

    access_token: str = field(repr=False)
    life_s: float
    refresh_token: str = field(repr=False)
    asked_at: Moment

    def held(self, generation: int) -> Held:
        """Return the token as held: to be renewed five minutes, or a tenth of its life, before its end."""
        early_s = min(EARLY_S, self.life_s / 10)
        return Held(
            self.access_token,
            generation,
            renew_at_s=self.asked_at.mono_s + self.life_s - early_s,
            expires_unix_s=self.asked_at.unix_s + self.life_s,
            refresh_token=self.refresh_token,
        )


class _TokenAnswer(msgspec.Struct):
    access_token: str = ""
    expires_in: float | None = None
    refresh_token: str | None = None


Fields = dict[str, str]
_FORMS: Final[Mapping[type[Any], Callable[[Any], Fields]]] = {
    ClientCredentials: lambda _with: {"grant_type": "client_credentials"},
    AuthorizationCode: lambda with_: {
        "grant_type": "authorization_code",
        "code": with_.code,
        "redirect_uri": with_.redirect_uri,
    },
    Pkce: lambda with_: {
        "grant_type": "authorization_code",
        "code": with_.code,
        "redirect_uri": with_.redirect_uri,
        "code_verifier": with_.code_verifier,
        "client_id": with_.client_id,
    },
    RefreshToken: lambda with_: {"grant_type": "refresh_token", "refresh_token": with_.refresh_token},
    Saml2Bearer: lambda with_: {
        "grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "orgName": with_.org_name,
        "assertion": with_.assertion,
    },
}
"""Form fields of each grant. Source: official Python SDK 269.0.0, api_client.py (official)."""


def next_credentials(credentials: Credentials, held: Held) -> Credentials:
    """Return what to sign in with now: a refresh token where one is held, else what was given."""
    if held.refresh_token and isinstance(credentials, (AuthorizationCode, Pkce, RefreshToken)):
        secret = "" if isinstance(credentials, Pkce) else credentials.client_secret
        return RefreshToken(credentials.client_id, secret, held.refresh_token)
    return credentials


def token_request(contract: Contract, hosts: Hosts, credentials: Credentials) -> Request:
    """Build the request that signs in with `credentials`."""
    endpoint = contract.token
    base = hosts.login_url if endpoint.host == "login" else hosts.api_url
    form = dict(_FORMS[type(credentials)](credentials))
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    client_id, secret = getattr(credentials, "client_id", ""), getattr(credentials, "client_secret", "")
    if not secret or endpoint.client_auth == "form":
        form["client_id"] = client_id
        form |= {"client_secret": secret} if secret else {}
    else:
        headers["authorization"] = "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()
    is_single_use = isinstance(credentials, (AuthorizationCode, Pkce, Saml2Bearer))
    call = Call(REDEEM if is_single_use else SIGN_IN, base + endpoint.path, urlencode(form).encode())
    return Request(call, headers)


def token_plan(
    contract: Contract, hosts: Hosts, credentials: Credentials, policy: RetryPolicy, deadline_s: float
) -> Plan[Grant]:
    """Sign in with `credentials` before `deadline_s`, or raise the error that says why not."""
    if isinstance(credentials, AccessToken):
        raise AuthenticationError(
            "the given access token was refused", operation="sign in", status=401, hint=CANNOT_RENEW_HINT
        )
    request = token_request(contract, hosts, credentials)
    secrets = [getattr(credentials, part.name) for part in fields(credentials) if not part.repr]
    began: Moment = yield Now()
    deadline = Deadline(deadline_s, deadline_s - began.mono_s)
    refused: FlowlaunchError | None = None
    attempt = 0
    while True:
        attempt += 1
        asked_at: Moment = yield Now()
        if refused is not None and asked_at.mono_s >= deadline.latest_s:
            raise refused
        reply: Response | Lost = yield Send(request, deadline_s)
        if isinstance(reply, Response) and outcome_of(reply) is Outcome.ANSWERED:
            grant = _grant(reply, asked_at, secrets)
            if isinstance(credentials, RefreshToken) and not grant.refresh_token:
                return replace(grant, refresh_token=credentials.refresh_token)  # it stays good: RFC 6749, section 6
            return grant
        if isinstance(reply, Response):
            reply = scrubbed(reply, secrets)
        now: Moment = yield Now()
        wait = _pause_before_repeat(request.call, reply, policy, attempt)
        left_s = deadline.latest_s - now.mono_s
        if wait is None or wait.at_least_s >= left_s:
            is_late = now.mono_s >= deadline_s
            raise _refusal(contract, request.call, reply, spent_s=deadline.given_s if is_late else None)
        refused = _refusal(contract, request.call, reply, spent_s=deadline.given_s)  # should there be no time to repeat
        yield Pause(wait.at_least_s, min(wait.up_to_s, left_s))


CANNOT_RENEW_HINT: Final = (
    "A given token cannot be renewed: get a new one, or give client credentials, which are renewed by themselves."
)


def _pause_before_repeat(call: Call, reply: Response | Lost, policy: RetryPolicy, attempt: int) -> Pause | None:
    if isinstance(reply, Response) and (is_token_throttle(reply) or reply.status == 429):
        at_least_s = retry_after_s(reply) or 1.0
        return Pause(at_least_s, at_least_s + policy.backoff_up_to_s(attempt))
    if attempt >= policy.max_attempts:
        return None
    if isinstance(reply, Lost):
        may_repeat = not reply.is_lasting and (call.operation.is_repeatable or not reply.request_left)
    else:
        may_repeat = outcome_of(reply) is Outcome.UNAVAILABLE and call.operation.is_repeatable
    return Pause(0.0, policy.backoff_up_to_s(attempt)) if may_repeat else None


def is_token_throttle(response: Response) -> bool:
    """Whether a 400 of the token endpoint means "too many sign-ins" and not "wrong credentials".

    Source: the official Terraform provider repeats exactly on `invalid_request (rate limit exceeded; …` (official).
    """
    body = read_error_body(response)
    said = f"{body.error_description or ''} {body.description or ''}".lower()
    return response.status == 400 and body.error == "invalid_request" and "rate limit exceeded" in said


def _refusal(contract: Contract, call: Call, reply: Response | Lost, *, spent_s: float | None) -> FlowlaunchError:
    """Build the error of a sign-in that failed; `spent_s` is the time that was given when all of it was spent."""
    if isinstance(reply, Lost):
        if spent_s is not None:
            message = f"could not sign in: no answer within {spent_s:.3g} s ({reply.reason})"
            return DeadlineError(message, timeout_s=spent_s)
        return _spent(call, lost_error(call, reply))
    body = read_error_body(reply)
    said = redact_text(str(body.error_description or body.description or "")) or shown_body(reply)[:200]
    if is_token_throttle(reply):
        return RateLimitedError(
            f"could not sign in: {said} (HTTP 400 invalid_request)",
            retry_after_s=retry_after_s(reply),
            operation="sign in",
            status=reply.status,
            server_code="invalid_request",
            correlation_id=reply.correlation_id,
            hint="Too many tokens were asked for: wait a minute, and keep one client or a token cache.",
        )
    if str(body.error) in _OAUTH_HINTS or reply.status in contract.token.refused_statuses:
        return AuthenticationError(
            f"could not sign in: {said} (HTTP {reply.status} {body.error or ''})".replace(" )", ")"),
            operation="sign in",
            status=reply.status,
            server_code=str(body.error or body.code or ""),
            correlation_id=reply.correlation_id,
            body=shown_body(reply),
            hint=_OAUTH_HINTS.get(str(body.error), None),
        )
    return _spent(call, api_error(call, reply))


def _spent(call: Call, error: E) -> E:
    """Give the error of a sign-in the hint that fits it: a wrong host, a code or assertion that may be spent."""
    if isinstance(error, NotFoundError):
        error.hint = "No token endpoint is there: check the region, or the login host where it is set."
    if not call.operation.is_repeatable and isinstance(error, (ReplyLostError, ServerError)):
        error.hint = "The code or assertion may be spent: start the sign-in anew."
    return error


_NO_GRANT_HINT: Final = "This OAuth client lacks the grant type that was used: change it in Admin > OAuth."
_OAUTH_HINTS: Final[Mapping[str, str]] = {
    "invalid_client": "Check the region first: right credentials on the wrong region look the same. "
    "Then check client id and secret.",
    "invalid_grant": "The code, assertion or refresh token was used or has expired: sign in again.",
    "unauthorized_client": _NO_GRANT_HINT,
    "unsupported_grant_type": _NO_GRANT_HINT,
}


def _grant(reply: Response, asked_at: Moment, secrets: list[str]) -> Grant:
    try:
        answer = msgspec.json.decode(reply.body, type=_TokenAnswer, strict=False)
    except UNREADABLE as error:
        found = shown_body(scrubbed(reply, secrets))[:120]
        raise DecodeError(
            f"could not sign in: the answer is no token ($: expected a JSON object, found {found!r})",
            hint="Check the login host: this looks like a web page or a proxy.",
        ) from error
    if not is_token(answer.access_token):
        found = "nothing" if not answer.access_token else "text that no header can hold"
        raise DecodeError(f"could not sign in: $.access_token: expected a token, found {found}")
    life_s = answer.expires_in if answer.expires_in and answer.expires_in > 0 else DEFAULT_LIFE_S
    return Grant(answer.access_token, life_s, answer.refresh_token or "", asked_at)
