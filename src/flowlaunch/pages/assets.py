"""Style sheet, scripts and icon, served under a name that changes with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from flowlaunch.pages.answers import PageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KIT_FOLDER", "Assets", "kit_files"]

KIT_FOLDER: Final = Path(__file__).parent
MEDIA: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}


@cache
def kit_files() -> Mapping[str, bytes]:
    """Read the kit's own files by name."""
    return {path.name: path.read_bytes() for path in sorted((KIT_FOLDER / "assets").iterdir()) if path.suffix in MEDIA}


class Assets:
    """Files by name, kept in memory; their common version is part of their address, so they may be cached for ever."""

    def __init__(self, more: Mapping[str, bytes] | None = None) -> None:
        self._files = {**kit_files(), **(more or {})}
        digest = hashlib.sha256()
        for name, content in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + content)
        self.version = digest.hexdigest()[:12]

    def answer(self, version: str, name: str) -> Response:
        """Give a file; an address of another version is gone."""
        content = self._files.get(name)
        if content is None or version != self.version:
            raise PageError(404, "There is no such file")
        return Response(content, media_type=MEDIA[Path(name).suffix], headers=FOREVER)
