"""What a batch is: its rows, its flow, and everything that was wished for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.budget import parse_share
from flowlaunch.batch.mapping import MappingSpec
from flowlaunch.batch.prepare import reopener
from flowlaunch.batch.ramp import DEFAULT_RAMP, stage_sizes
from flowlaunch.batch.rows import ReadOptions
from flowlaunch.batch.work import WorkOptions
from flowlaunch.errors import InputError
from flowlaunch.settings.fields import without_password

if TYPE_CHECKING:
    from typing import Literal

    from flowlaunch.batch.rules import Rules
    from flowlaunch.settings import Settings

__all__ = ["BatchJob"]

LEDGER_SUFFIX: Final = ".ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """One flow per row of a source. Everything but `source` and `flow` has a default that is safe.

    Attributes:
        source: a file, `-` for standard input, or a SQLAlchemy URL with `read.query`.
        flow: the flow's id or exact name.
        ledger: where the batch is recorded; None: beside the source, `people.csv.ledger`.
        read: how to read the source.
        mapping: the way from columns to inputs; by name without it.
        rules: decide about each row; None launches each key once, as soon as the pace allows.
        rules_text: what is hashed of the rules, so that a resume with others is noticed.
        version: the flow's version; None pins the one that is published when the batch is created.
        pace_per_minute: requests a minute that the OAuth client may send; None: no pace.
        concurrency: launches in flight at once.
        ramp: how many rows may leave before the first have ended well; () for all at once.
        max_failed: a share (0.05) or number of ended rows that may fail or be refused before the batch pauses.
        max_in_doubt: rows that may come to be in doubt before it pauses.
        track: whether executions are followed to their end; `track_share` of the pace is for that.
        launch_token_input: an input of the flow that gets the row's launch token, for reconciling.
        payloads: whether the ledger keeps, hashes or drops the rows' data once they are launched.
        confirm_above: refuse to launch more rows than this without `yes`.
        resume: None goes on with the batch of this source in the ledger, if there is one; True insists on it;
            False begins another.
        accept_changes: changes since the batch began to put up with: `source`, `mapping`, `flow-version`.
        accepts_failures: someone looked at what went wrong so far: it counts no more.
        here: work on it in this process, even if workers of a ledger in PostgreSQL wait for batches.
        priority: its share of the pace while other batches want it too; each has 10 by default.
        settings: how to sign in; else `profile`, the environment and the profile file say.

    """

    source: Path | str
    flow: str
    ledger: Path | str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    mapping: MappingSpec = field(default_factory=MappingSpec)
    rules: Rules | None = None
    rules_text: str = ""
    version: str | None = None
    name: str = ""
    pace_per_minute: float | None = 300.0
    pace_share: float = 1.0
    concurrency: int = 16
    ramp: tuple[str, ...] = DEFAULT_RAMP
    max_failed: float | str | None = 0.05
    max_in_doubt: int | None = 10
    track: bool = True
    track_share: float = 0.4
    launch_token_input: str | None = None
    payloads: Literal["keep", "hash", "drop"] = "keep"
    outputs: Literal["keep", "drop"] = "keep"
    confirm_above: int | None = None
    yes: bool = False
    resume: bool | None = None
    accept_changes: frozenset[str] = frozenset({"flow-version"})
    accepts_failures: bool = False
    waits_when_paused: bool = True
    timeout_s: float = 30.0
    here: bool = False
    priority: int | None = None
    settings: Settings | None = field(default=None, repr=False)
    profile: str | None = None

    def __post_init__(self) -> None:
        stage_sizes(self.ramp, 1)
        parse_share(self.max_failed)
        if self.concurrency < 1 or not 0 < self.track_share < 1 or not 0 < self.pace_share <= 1:
            raise InputError("concurrency is at least 1, shares lie between 0 and 1", code="batch-options")

    @property
    def ledger_place(self) -> Path | str:
        """Where the batch is recorded."""
        if self.ledger is not None:
            return self.ledger
        if str(self.source) == "-" or "://" in str(self.source):
            raise InputError(
                f"rows from {'standard input' if str(self.source) == '-' else 'a query'} need a ledger",
                code="ledger-missing",
                hint="Name a file for the ledger: it is what makes the batch safe to resume.",
            )
        return Path(f"{self.source}{LEDGER_SUFFIX}")

    @property
    def source_name(self) -> str:
        """The source as recorded: an absolute path, `-`, or a URL without its password."""
        text = str(self.source)
        if "://" in text:
            return without_password(text)
        return text if text == "-" else str(Path(text).resolve())

    def work_options(self) -> WorkOptions:
        """Return what the runner needs to know."""
        return WorkOptions(
            pace_per_minute=self.pace_per_minute,
            pace_share=self.pace_share,
            concurrency=self.concurrency,
            ramp=self.ramp,
            max_failed=parse_share(self.max_failed),
            max_in_doubt=self.max_in_doubt,
            track=self.track,
            track_share=self.track_share,
            waits_when_paused=self.waits_when_paused,
            accepts_failures=self.accepts_failures,
            timeout_s=self.timeout_s,
            token_input=self.launch_token_input,
            reopen=reopener(self.rules),
        )

    def mapping_hash(self) -> str:
        """Return the hash of what decides about the rows: a resumed batch must decide alike."""
        read = msgspec.structs.replace(self.read, stdin=None)
        parts = (msgspec.json.encode(self.mapping), msgspec.json.encode(read), self.rules_text.encode())
        return sha256(b"\0".join(parts)).hexdigest()

    def recorded_settings(self) -> dict[str, Any]:
        """Return what `resume_batch` finds again in the ledger; no secret."""
        return {
            "pace_per_minute": self.pace_per_minute,
            "pace_share": self.pace_share,
            "concurrency": self.concurrency,
            "ramp": list(self.ramp),
            "max_failed": parse_share(self.max_failed),
            "max_in_doubt": self.max_in_doubt,
            "track": self.track,
            "track_share": self.track_share,
            "timeout_s": self.timeout_s,
            "token_input": self.launch_token_input,
            "read": msgspec.to_builtins(msgspec.structs.replace(self.read, stdin=None)),
            "rules": self.rules_text,
        }
