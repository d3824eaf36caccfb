"""A place of its own for every settings test: no file, variable or keyring of this machine counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flowlaunch.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """Files that settings are read from, and a keyring made of a dictionary."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.toml"
        self.gc = folder / "gc" / "config.toml"
        self.dotenv = folder / ".env"
        self.secrets = folder / "secrets.toml"
        self.keyring: dict[str, str] = {}

    def write(self, path: Path, text: str, mode: int = 0o600) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def load(self, given: dict[str, Any] | None = None, environ: dict[str, str] | None = None, **how: Any) -> Settings:
        return load_settings(
            given,
            environ=environ or {},
            config_file=self.config,
            gc_config_file=self.gc,
            keyring=self.keyring.get,
            **how,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
