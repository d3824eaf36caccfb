"""All that is PostgreSQL's own: sessions, transactions of many writers at once, and lost connections."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError
from sqlalchemy.schema import CreateSchema

from flowlaunch._io.chance import CHANCE
from flowlaunch.batch.ledger.counts import PART_OPTION
from flowlaunch.batch.ledger.faults import lost, refused, translated
from flowlaunch.batch.ledger.outage import LONGEST_WAIT_S, Lines, Outage
from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.pool import Pool

__all__ = ["SCHEMA", "Asking", "PostgresDatabase", "copy_into", "is_postgres", "make_schema", "parsed"]

SCHEMA: Final = "flowlaunch"
"""Where the tables are: their names are plain, and a database may hold other things."""
SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
PATIENCE_S: Final = 10.0
"""How long a server that answered before is waited for."""
UPGRADE_LOCK: Final = 0x464C4C31
PARTS: Final = 64
"""Parts of a count: few processes change the same one at once."""
ARGUMENTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "flowlaunch",
}
"""A machine that is gone, or behind a cut line, is noticed well within the time that makes a worker count as dead."""
SESSION: Final = f"""
SET search_path TO {SCHEMA};
SET idle_in_transaction_session_timeout TO '10s';
SET lock_timeout TO '15s';
SET plan_cache_mode TO force_generic_plan;
SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off; SET jit TO off;
SET TimeZone TO 'UTC'
"""
"""A process that was stopped in a transaction loses it: nobody waits for its locks. Statements are many and small, and
planned once: planning anew takes longer than they do. All go by indexes, row by row: what a planner finds cheaper for a
small partition, reading all of it, would stay while the partition grows.
"""
WRITE: Final = "BEGIN"
WRITE_SOON: Final = "BEGIN; SET LOCAL synchronous_commit TO off"
READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def is_postgres(place: str) -> bool:
    """Whether `place` is the URL of a PostgreSQL database."""
    return place.partition("://")[0].lower() in SCHEMES


def parsed(place: str) -> URL:
    """Return the URL with the driver that is used; LedgerError when it is no URL of a database."""
    try:
        url = make_url(place)
    except (ArgumentError, ValueError) as error:
        raise LedgerError(
            "open a ledger in PostgreSQL: the URL cannot be read",
            hint="It is spelt postgresql://USER:PASSWORD@HOST:PORT/DATABASE; % in a password is written %25.",
        ) from error
    return url.set(drivername="postgresql+psycopg")


class PostgresDatabase:
    """A ledger in a PostgreSQL database: each transaction has a connection of its own.

    Nothing is asked of the server before the first transaction. Once the server has answered, one that does not
    is waited for, up to `patience_s`, whenever a transaction begins; of all that wait one tries at a time.
    """

    path: Path | None = None

    def __init__(self, place: str, *, patience_s: float = PATIENCE_S) -> None:
        url = parsed(place)
        self.place = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        self.engine = _engine(url)
        self.patience_s = patience_s
        self._has_answered = False
        self._outage = Outage()
        self._said = f"reach {self.place}: it was given up"
        self._lines = Lines()
        event.listen(self.engine, "connect", self._opened, insert=True)  # first of all: others ask the server

    @contextlib.contextmanager
    def writing(self, *, durable: bool) -> Iterator[Connection]:
        """Run one transaction; LedgerUnreachableError tells whether it may have been kept."""
        with self._begun(WRITE if durable else WRITE_SOON) as connection:
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(SQLAlchemyError):
                    connection.rollback()
                raise
            try:
                connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise lost(error, f"commit to {self.place}", is_uncertain=True) from error
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read as the ledger was when the first statement ran."""
        with self._begun(READ) as connection:
            try:
                yield connection
            finally:
                with contextlib.suppress(SQLAlchemyError):  # what was read was read
                    connection.rollback()

    @contextlib.contextmanager
    def between(self) -> Iterator[Connection]:
        """Lend a connection on which every statement is kept at once."""
        with self.engine.connect() as connection:
            yield connection
            connection.commit()

    def ask_time(self) -> int:
        """Return the server's time, in microseconds since 1970."""
        with translated("ask for the time", self.place), self.reading() as connection:
            epoch = func.extract("epoch", func.clock_timestamp())
            return int(connection.execute(select(epoch * 1_000_000)).scalar_one())

    def wiping(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: old versions of rows go with the server's own vacuuming, its log with its archiving."""
        return contextlib.nullcontext()

    def reclaim(self) -> bool:
        """Leave the files to the server."""
        return True

    def break_off(self, *, for_good: bool = False) -> None:
        """Break every connection, whoever waits for an answer on it; `for_good`: do not wait for the server again."""
        if for_good:
            self._outage.give_up()
        self._lines.break_off(for_good=for_good)

    def take_in(self, connection: Any) -> None:
        """Have another connection broken with its own ones."""
        self._lines.add(connection)

    def asking(self) -> Asking:
        """Return a way to ask whether the server is there, while every other connection may be in use."""
        return Asking(self.engine.pool.recreate())

    def silence_s(self, stale_after_s: float) -> float:
        """Return what silence means death now: none, while all may only just have got the server back."""
        return math.inf if self._outage.over_since_s < stale_after_s else stale_after_s

    def _opened(self, connection: Any, _record: object) -> None:
        self._lines.add(connection)

    def _begun(self, begin: str) -> Connection:
        """Return a connection on which a transaction has begun, waiting for a server that is away for a while."""
        ends_s = time.monotonic() + (self.patience_s if self._has_answered else 0.0)
        while self._outage.may_try(ends_s):
            try:
                connection = self._connected(begin)
            except DBAPIError as error:
                # nobody runs out of patience without anybody having tried
                self._outage.failed(longest_s=min(LONGEST_WAIT_S, self.patience_s / 2))
                away = lost(error, f"reach {self.place}", is_uncertain=False)
                self._said = away.message
                if not self._has_answered and (told := refused(away)):  # later it may be a failover that is under way
                    raise told from error
                if time.monotonic() >= ends_s:
                    raise away from error
            except BaseException as error:
                self._outage.over()
                if isinstance(error, PoolTimeoutError):
                    raise lost(error, f"reach {self.place}", is_uncertain=False) from error
                raise
            else:
                self._outage.over()
                return connection
        raise LedgerUnreachableError(self._said)

    def _connected(self, begin: str) -> Connection:
        connection = self.engine.connect()
        try:
            connection.exec_driver_sql(begin, execution_options={"no_parameters": True})
        except BaseException:
            connection.close()
            raise
        self._has_answered = True
        return connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class Asking:
    """Asks a server whether it is there, on a connection of its own; for one thread."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def ask(self) -> Literal["answered", "refused", "silent"]:
        """Ask something small, for as long as it takes."""
        import psycopg  # noqa: PLC0415 - an extra

        try:
            connection = self._pool.connect()
            try:
                connection.cursor().execute("SELECT 1")
            except psycopg.Error:
                connection.invalidate()
                raise
            connection.close()
        except psycopg.errors.ConnectionTimeout:
            return "silent"
        except (psycopg.Error, SQLAlchemyError, OSError):
            return "refused"
        return "answered"

    def close(self) -> None:
        """Close the connection."""
        self._pool.dispose()


def copy_into(connection: Connection, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
    """Load records into a table by COPY, within the present transaction; values as the driver takes them."""
    import psycopg  # noqa: PLC0415 - an extra

    raw: Any = connection.connection.dbapi_connection
    names = ", ".join(f'"{name}"' for name in columns)
    try:
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for record in records:
                copy.write_row(record)
    except psycopg.Error as error:
        is_gone = bool(raw.closed or raw.broken)
        if is_gone:
            connection.invalidate()
        raise DBAPIError.instance("COPY", None, error, psycopg.Error, connection_invalidated=is_gone) from error


def make_schema(connection: Connection) -> None:
    """Make the schema of the tables where there is none, while nobody else does."""
    connection.execute(select(func.pg_advisory_xact_lock(UPGRADE_LOCK)))
    known = connection.execute(select(func.to_regnamespace(SCHEMA))).scalar()
    if known is None:
        connection.execute(CreateSchema(SCHEMA))


def _engine(url: URL) -> Engine:
    arguments = {name: value for name, value in ARGUMENTS.items() if name not in url.query}
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=4,
            max_overflow=12,
            pool_use_lifo=True,
            use_native_hstore=False,
            connect_args={**arguments, "autocommit": True},
            execution_options={PART_OPTION: CHANCE.randrange(PARTS)},
        )
    except ImportError as error:
        raise LedgerError(
            "open a ledger in PostgreSQL: its driver is not installed",
            code="ledger-driver",
            hint='Install it: pip install "flowlaunch[postgres]".',
        ) from error
    event.listen(engine, "connect", _prepare, insert=True)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.execute(SESSION)
