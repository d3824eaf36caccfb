"""Ways to sign in. None of them shows a secret when printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "AccessToken",
    "AuthorizationCode",
    "ClientCredentials",
    "Credentials",
    "Pkce",
    "RefreshToken",
    "Saml2Bearer",
]


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An OAuth client of its own; its roles decide what it may do. Renewed without end."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code that a person's sign-in gave to a confidential client; renewed by its refresh token."""

    client_id: str
    client_secret: str = field(repr=False)
    code: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Pkce:
    """A code that a person's sign-in gave to a public client (`flowlaunch.sign_in` makes it)."""

    client_id: str
    code: str = field(repr=False)
    code_verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token kept from an earlier sign-in."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Saml2Bearer:
    """A SAML2 assertion of the organization's identity provider; `assertion` is base64 text."""

    client_id: str
    client_secret: str = field(repr=False)
    org_name: str
    assertion: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token from elsewhere. It cannot be renewed: once refused, calls end with AuthenticationError."""

    token: str = field(repr=False)


Credentials: TypeAlias = ClientCredentials | AuthorizationCode | Pkce | RefreshToken | Saml2Bearer | AccessToken
