"""The regions of Genesys Cloud: from whatever a person writes to the API and login hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_REGION", "REGIONS", "Hosts", "resolve_region"]

DEFAULT_REGION: Final = "us-east-1"

REGIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "us-east-1": "mypurecloud.com",
        "us-east-2": "use2.us-gov-pure.cloud",
        "us-west-2": "usw2.pure.cloud",
        "ca-central-1": "cac1.pure.cloud",
        "mx-central-1": "mxc1.pure.cloud",
        "sa-east-1": "sae1.pure.cloud",
        "eu-west-1": "mypurecloud.ie",
        "eu-west-2": "euw2.pure.cloud",
        "eu-central-1": "mypurecloud.de",
        "eu-central-2": "euc2.pure.cloud",
        "eusc-de-east-1": "edee1.eusc-pure.cloud",
        "me-central-1": "mec1.pure.cloud",
        "ap-south-1": "aps1.pure.cloud",
        "ap-southeast-1": "apse1.pure.cloud",
        "ap-southeast-2": "mypurecloud.com.au",
        "ap-northeast-1": "mypurecloud.jp",
        "ap-northeast-2": "apne2.pure.cloud",
        "ap-northeast-3": "apne3.pure.cloud",
    }
)
"""Region name -> domain. Source: region lists of the official Python and JavaScript SDKs and of the Terraform
provider, which agree (official, checked 2026-11)."""

_DOMAIN_TO_NAME: Final = {domain: name for name, domain in REGIONS.items()}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[!-~]+")
"""Visible ASCII: a host or path of anything else would have to be encoded, and is a slip far more often."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SERVICE_LABELS: Final = ("api.", "login.", "apps.")
_OWN_PATHS: Final = ("/api/v2", "/oauth/token")
"""What calls add by themselves, so that a base URL copied with it means the one without."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where one org answers: base URLs without a trailing slash, and the region's name (`""` when not a known one)."""

    api_url: str
    login_url: str
    region: str = ""


def resolve_region(text: str, *, login_url: str | None = None) -> Hosts:
    """Tell the hosts that `text` means.

    `text` may be a region's name (`eu-west-1`, `eu_west_1`), a domain (`mypurecloud.ie`), one of its hosts
    (`api.mypurecloud.ie`), a URL of either, any page of the org's web app (`https://apps.mypurecloud.ie/...`), or
    the base URL of anything that speaks the API: a sandbox, a gateway, a new region. A URL whose host does not
    begin with `api.` or `login.` serves both. `/api/v2` or `/oauth/token` at the end counts for nothing.

    Raises:
        SettingsError: `text` is none of these.

    """
    given = text.strip()
    if not _PLAIN.fullmatch(given):
        raise _unknown(text)
    hosts = _from_url(given) if "://" in given else _from_name(given)
    return Hosts(hosts.api_url, login_url.rstrip("/"), hosts.region) if login_url else hosts


def _from_name(given: str) -> Hosts:
    domain = REGIONS.get(given.lower().replace("_", "-"))
    if domain is not None:
        return _of_domain(domain)
    bare = given.rstrip("/")
    try:
        host = urlsplit(f"//{bare}").hostname or ""
    except ValueError as error:
        raise _unknown(given) from error
    if host in _LOOPBACK:
        return _from_url(f"http://{bare}")
    if "." not in host or not _HOST.fullmatch(host):
        raise _unknown(given)
    return _of_domain(_domain_of(bare)) if bare == host else _from_url(f"https://{bare}")


def _from_url(given: str) -> Hosts:
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or ""), parts.port
    except ValueError as error:
        raise _unknown(given) from error
    if parts.scheme not in {"http", "https"} or not host or parts.username:
        raise _unknown(given)
    domain = _domain_of(host)
    if host == f"apps.{domain}" and domain in _DOMAIN_TO_NAME and port is None:
        return _of_domain(domain)
    if parts.query or parts.fragment:
        raise _unknown(given)
    path = _base_path(parts.path)
    is_service = domain != host or domain in _DOMAIN_TO_NAME
    is_safe = parts.scheme == "https" or domain in _DOMAIN_TO_NAME  # a real org is never spoken to in the clear
    if is_service and "." in domain and port is None and not path and is_safe:
        return _of_domain(domain)
    netloc = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{netloc}{f':{port}' if port else ''}{path}"
    return Hosts(base, base)


def _base_path(path: str) -> str:
    bare = path.rstrip("/")
    return next((bare.removesuffix(own).rstrip("/") for own in _OWN_PATHS if bare.endswith(own)), bare)


def _domain_of(host: str) -> str:
    return next((host.removeprefix(label) for label in _SERVICE_LABELS if host.startswith(label)), host)


def _of_domain(domain: str) -> Hosts:
    return Hosts(f"https://api.{domain}", f"https://login.{domain}", _DOMAIN_TO_NAME.get(domain, ""))


def _unknown(text: str) -> SettingsError:
    near = _nearest(text.strip().lower().replace("_", "-"))
    shown = text.rpartition("@")[2]  # what stands before an @ may be a password
    meant = f" Did you mean {near}?" if near else ""
    return SettingsError(
        f"unknown region {shown!r}",
        code="unknown-region",
        hint=f"Give a region name (us-east-1), a domain (mypurecloud.ie) or a base URL.{meant}",
    )


def _nearest(text: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

    return next(iter(get_close_matches(text, [*REGIONS, *_DOMAIN_TO_NAME], n=1, cutoff=0.6)), "")
