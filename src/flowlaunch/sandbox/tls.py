"""An own certificate authority for HTTPS; needs the extra `tls`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlaunch.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Identity", "make_identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's TLS context and the file with the CA that clients must trust."""

    context: ssl.SSLContext
    ca_file: Path


def make_identity(folder: Path, names: Iterable[str]) -> Identity:
    """Make a CA and a leaf for these names in `folder`; the CA's key is never written."""
    try:
        import trustme  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SandboxError(
            "serving HTTPS needs the package trustme, which is not installed", hint="Run: pip install 'flowlaunch[tls]'"
        ) from error
    authority = trustme.CA()
    leaf = authority.issue_cert(*dict.fromkeys(("localhost", "127.0.0.1", "::1", *names)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    leaf.configure_cert(context)
    ca_file = folder / "sandbox-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Identity(context, ca_file)
