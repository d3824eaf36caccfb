"""State in an SQLite file: executions, tokens and uploaded flows live through a restart."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from flowlaunch.errors import FlowError, SandboxError
from flowlaunch.sandbox.identifiers import Identifiers
from flowlaunch.sandbox.oauth import Refresh
from flowlaunch.sandbox.publishing import accept_text
from flowlaunch.sandbox.runs import Execution

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.sandbox.oauth import Token
    from flowlaunch.sandbox.service import Service

__all__ = ["Store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, flow_id TEXT NOT NULL, version TEXT NOT NULL,
  inputs BLOB NOT NULL, label TEXT, client_id TEXT NOT NULL, launched_at REAL NOT NULL, correlation_id TEXT NOT NULL,
  status TEXT NOT NULL, completed_at REAL NOT NULL, outputs BLOB NOT NULL, reason TEXT NOT NULL, error BLOB NOT NULL,
  sent BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
  value TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id TEXT, issued_at REAL NOT NULL, expires_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refreshes (
  value TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id TEXT NOT NULL, public INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS flows (
  number INTEGER PRIMARY KEY, text TEXT NOT NULL, name TEXT NOT NULL, division TEXT, published_at REAL NOT NULL
) STRICT;
PRAGMA user_version = 1;
"""
KEEP_EXECUTION = "INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Store:
    """One SQLite file. Every accepted launch is committed before it is answered (WAL, synchronous NORMAL)."""

    def __init__(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # it is there, or SQLite tells why it cannot be made
            path.touch(mode=0o600, exist_ok=False)  # it holds people's data; the log beside it follows
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, 1):
            raise SandboxError(f"{path} was written by a newer sandbox (layout {version})", hint="Use another file.")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def clear(self) -> None:
        """Forget everything."""
        for table in ("executions", "tokens", "refreshes", "flows"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand above

    # -- writing --------------------------------------------------------------------------------------------

    def keep_launch(self, execution: Execution) -> None:
        """Write an execution as it is."""
        version = execution.version
        self._db.execute(
            KEEP_EXECUTION,
            (
                execution.number, execution.id, version.flow.id, version.number, execution.inputs, execution.label,
                execution.client_id, execution.launched_at, execution.correlation_id, execution.status,
                execution.completed_at, execution.outputs, execution.reason, execution.error, execution.sent,
            ),
        )  # fmt: skip

    keep_end = keep_launch

    def keep_token(self, token: Token, refresh: str | None, held: Refresh | None) -> None:
        """Write a token, and the refresh token that came with it."""
        user_id = token.user.id if token.user else None
        row = (token.value, token.client.id, user_id, token.issued_at, token.expires_at)
        self._db.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?)", row)
        if refresh is not None and held is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO refreshes VALUES (?, ?, ?, ?)",
                (refresh, held.client_id, held.user_id, int(held.public)),
            )

    def forget_token(self, value: str) -> None:
        """Drop a token."""
        self._db.execute("DELETE FROM tokens WHERE value = ?", (value,))

    def forget_tokens(self) -> None:
        """Drop every access token."""
        self._db.execute("DELETE FROM tokens")

    def forget_refresh(self, value: str) -> None:
        """Drop a refresh token."""
        self._db.execute("DELETE FROM refreshes WHERE value = ?", (value,))

    def keep_flow(self, text: str, name: str, division: str | None, published_at: float) -> None:
        """Write an uploaded flow."""
        self._db.execute(
            "INSERT INTO flows (text, name, division, published_at) VALUES (?, ?, ?, ?)",
            (text, name, division, published_at),
        )

    def rewrite(self, service: Service) -> None:
        """Write executions and tokens anew after a restore."""
        self._db.execute("BEGIN")
        for table in ("executions", "tokens", "refreshes"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand here
        for execution in service.runs.executions.values():
            self.keep_launch(execution)
        for token in service.tokens.by_header.values():
            self.keep_token(token, None, None)
        for value, held in service.tokens.refreshes.items():
            self._db.execute(
                "INSERT OR REPLACE INTO refreshes VALUES (?, ?, ?, ?)",
                (value, held.client_id, held.user_id, int(held.public)),
            )
        self._db.execute("COMMIT")

    # -- reading --------------------------------------------------------------------------------------------

    def load(self, service: Service) -> None:
        """Fill a fresh service; what the world no longer knows is left out. Unfinished runs run again."""
        for text, name, division, published_at in self._rows("SELECT text, name, division, published_at FROM flows"):
            self._load_flow(service, text, name, division, published_at)
        for value, client_id, user_id, issued_at, expires_at in self._rows("SELECT * FROM tokens"):
            client, user = service.world.clients.get(client_id), service.world.users.get(user_id or "")
            if client is not None and (user_id is None or user is not None):
                service.tokens.put(value, client, user, issued_at, expires_at)
        for value, client_id, user_id, public in self._rows("SELECT * FROM refreshes"):
            service.tokens.refreshes[value] = Refresh(client_id, user_id, bool(public))
        last = 0
        for row in self._rows("SELECT * FROM executions ORDER BY number"):
            last = row[0]
            self._load_execution(service, row)
        if last:
            service.ids = Identifiers(f"executions/{service.options.seed}/{last}")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._db.execute(query).fetchall()

    @staticmethod
    def _load_flow(service: Service, text: str, name: str, division: str | None, published_at: float) -> None:
        try:
            accept_text(service.world, text, name, published_at, origin="upload", division=division)
        except FlowError as error:
            raise SandboxError(f"a stored flow ({name}) cannot be loaded any more: {error}") from error

    @staticmethod
    def _load_execution(service: Service, row: tuple[Any, ...]) -> None:
        number, execution_id, flow_id, version_number, inputs, *rest = row
        flow = service.world.flows.get(flow_id)
        version = (flow.version(version_number) or flow.current) if flow else None
        if version is not None:
            service.runs.adopt(Execution(number, execution_id, version, inputs, *rest))


def _unusable(path: Path, error: sqlite3.Error) -> SandboxError:
    return SandboxError(f"cannot use {path} as the sandbox's file: {error}", hint="Use another --db.")
