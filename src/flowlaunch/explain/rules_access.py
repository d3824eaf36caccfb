"""Rules about hosts, tokens, scopes and permissions."""

from __future__ import annotations

import re
from typing import Final

from flowlaunch.explain.finding import Rule
from flowlaunch.regions import REGIONS

__all__ = ["RULES"]

_DOMAINS: Final = frozenset(REGIONS.values())
_REGION_LISTS: Final = "region lists of the official Python and JavaScript SDKs, gc CLI and Terraform provider"
_TOKEN: Final = re.compile(r"grant_type|oauth/token|access_token", re.IGNORECASE)


def _right_host(match: re.Match[str]) -> str | None:
    """Tell the hosts of the region that the line names, when the line maps it to another domain."""
    name = match["name"].lower().replace("_", "-")
    domain = REGIONS.get(name)
    if domain is None:
        return f"there is no region {name}; the regions are {', '.join(REGIONS)}"
    return None if match["domain"] == domain else f"{name}: https://api.{domain} and https://login.{domain}"


def _right_login(match: re.Match[str]) -> str | None:
    domain = match["domain"]
    return f"POST https://login.{domain if domain in _DOMAINS else '<region domain>'}/oauth/token"


RULES: Final = (
    Rule(
        id="region-host",
        pattern=re.compile(
            r"""["'](?P<name>(?:us|eu|ap|ca|sa|mx|me|eusc-de)[-_](?:gov-)?[a-z]+[-_]\d)["']\s*[:=]>?\s*["']"""
            r"""(?:https?://)?(?:api\.|login\.)?(?P<domain>[\w.-]+)""",
            re.IGNORECASE,
        ),
        judge=_right_host,
        finding="this is not the host of that region",
        cure="",
        evidence="official",
        source=_REGION_LISTS,
        example='"eu-west-1": "https://api.eu.pure.cloud.com",',
        counterexample='"eu-west-1": "https://api.mypurecloud.ie",',
    ),
    Rule(
        id="invented-host",
        pattern=re.compile(
            r"(?<![\w.{}-])[\w.{}-]{0,80}(?:pure\.cloud\.com|\.genesys\.cloud|\.mygen\.com)\b", re.IGNORECASE
        ),
        unless=re.compile(r"developer\.genesys\.cloud|help\.genesys\.cloud|apps?\.\w+\.genesys\.cloud"),
        finding="no region of Genesys Cloud answers on this domain",
        cure="api.<domain> with one of: " + ", ".join(REGIONS.values()),
        evidence="official",
        source=_REGION_LISTS,
        example="https://api.au.pure.cloud.com/api/v2",
        counterexample="https://api.usw2.pure.cloud/api/v2",
    ),
    Rule(
        id="region-fallback",
        pattern=re.compile(r"""region\w*\.get\(\s*\w+\s*,\s*["']https?://"""),
        finding="an unknown region falls back to another org's host in silence, and good credentials fail there",
        cure="fail when the region is unknown",
        weight="risk",
        evidence="reported",
        source="github.com/tishige/CallFlowVisualizer issue 9: right credentials, wrong region, invalid_client",
        example="url = region_map.get(region, 'https://api.mypurecloud.com')",
        counterexample="url = region_map[region]",
    ),
    Rule(
        id="token-host",
        pattern=re.compile(r"""\bapi\.(?P<domain>[\w.-]*\w)[^\n]{0,12}/oauth/token"""),
        judge=_right_login,
        finding="tokens come from the login host, not from the API host",
        cure="",
        evidence="official",
        source="every official client (Python api_client.py, JavaScript ApiClient.js, gc CLI, Go) uses login.<domain>",
        example="requests.post('https://api.mypurecloud.com/oauth/token')",
        counterexample="requests.post('https://login.mypurecloud.com/oauth/token')",
    ),
    Rule(
        id="form-credentials",
        pattern=re.compile(r"""["']client_secret["']\s*:|[?&'"\s]client_secret=|-d\s+["']?client_secret"""),
        needs=re.compile(r"grant_type"),
        weight="risk",
        finding="no official client sends the secret as a form field; whether the login host takes it is not known",
        cure="HTTP Basic: Authorization: Basic base64(id:secret), and only grant_type=client_credentials in the body",
        evidence="official",
        source="get_client_credentials_token of the official Python SDK, and the JavaScript SDK, gc CLI and Go alike",
        example='{"grant_type": "client_credentials", "client_id": i, "client_secret": s}',
        counterexample='requests.post(url, auth=(i, s), data={"grant_type": "client_credentials"})',
    ),
    Rule(
        id="token-life",
        pattern=re.compile(
            r"\b(?:expires?|lifetime|valid)\b[^\n]{0,40}\b(?:3600|900|1 hour|15 minutes)\b", re.IGNORECASE
        ),
        needs=_TOKEN,
        weight="note",
        finding="a token lives 86,400 s by default, and each OAuth client can set 300 s to 172,800 s",
        cure="read expires_in of the answer",
        evidence="official",
        source="official Python SDK 269.0.0, models/o_auth_client.py accessTokenValiditySeconds",
        example="# The access_token expires in 3600 seconds",
        counterexample='renew_at = now + answer["expires_in"] - 300  # access_token',
    ),
    Rule(
        id="bad-credentials-401",
        pattern=re.compile(
            r"==\s*401(?:[^\n]{0,120}|[^\n]{0,80}\n[^\n]{0,120})(?:client id|client_id|secret|credential)",
            re.IGNORECASE,
        ),
        needs=_TOKEN,
        finding="wrong credentials answer 400 with error invalid_client, so this branch is never taken",
        cure='look at status 400 and "error": invalid_client means wrong id, secret or region; '
        'invalid_request with "rate limit exceeded" means wait',
        evidence="reported",
        source="github.com/tishige/CallFlowVisualizer issues 8 and 9; official Terraform provider (rate limit text)",
        example="# access_token\nif r.status_code == 401:\n    raise Exception('Invalid Client ID or Secret')",
        counterexample="# access_token\nif r.status_code == 401:\n    renew()",
    ),
    Rule(
        id="scope-invented",
        pattern=re.compile(
            r"\bflow:execution:(?:write|read|start)\b|(?<![\w:])flow:execute\b|architect:flow:execute\b"
        ),
        finding="there is no such scope or permission",
        cure="launching needs the permission architect:flow:launch, reading an execution "
        "architect:flowExecution:view, listing flows architect:flow:view; they come from the client's roles",
        evidence="official",
        source="official gc CLI cmd/flows_executions and SDK documentation (`Requires ANY permissions`)",
        example="Required scope: flow:execution:write",
        counterexample="Required permission: architect:flow:launch",
    ),
    Rule(
        id="scopes-for-client-credentials",
        pattern=re.compile(
            r"\bclick\s+scopes\b|\brequired scopes?\b|inherit new scopes|after the scope change|"
            r"correct oauth scope",
            re.IGNORECASE,
        ),
        finding="scopes do not apply to client-credentials clients; what they may do comes from their roles",
        cure="give the OAuth client a role that holds architect:flow:launch, in the flow's division",
        evidence="official",
        source="official Python SDK 269.0.0, models/o_auth_client.py (scope, roleDivisions)",
        example="4. Click Scopes.",
        counterexample="4. Click Roles.",
    ),
    Rule(
        id="grant-type-wording",
        pattern=re.compile(r"\b(?:public or confidential|confidential|public)\s+grant type", re.IGNORECASE),
        finding="there is no such grant type",
        cure="CODE, TOKEN, SAML2-BEARER, PASSWORD or CLIENT-CREDENTIALS; a service uses CLIENT-CREDENTIALS",
        evidence="official",
        source="official Python SDK 269.0.0, models/o_auth_client.py authorizedGrantType",
        example="an OAuth client with the public or confidential grant type",
        counterexample="an OAuth client with the client credentials grant type",
    ),
)
