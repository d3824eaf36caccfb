"""A network of machines inside this one, whose wires can be broken.

Where it is allowed (root, and `ip`), each machine is a network namespace with a host name of its own, joined to the
servers by a pair of virtual interfaces. A broken wire drops packets in one direction or both: connections hang, and
nobody is told that a machine is gone. Elsewhere machines are processes of this one behind the suite's TCP proxy.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from chaos_clock import Skew
from chaos_proxy import Proxy

from child_processes import ChildProcess

MACHINE = Path(__file__).with_name("chaos_machine.py")
NETS = range(1, 250)
NET = "198.18.{}.{}"
"""Addresses for trials of networks (RFC 2544): nothing else has them, and what strays is dropped here."""
SERVERS, NOBODY = "02:00:00:00:00:01", "02:00:00:00:00:99"
WAYS = ("both", "to", "from")
CONNECTED_WITHIN_S = 10.0


class NoNetworkError(Exception):
    """Something that a network needs is not allowed, or not there."""


def ip(*words, at=None):
    """Run `ip`, in the network of process `at` when given."""
    inside = ["nsenter", "-t", str(at), "-n"] if at is not None else []
    done = subprocess.run([*inside, "ip", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNetworkError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


@cache
def why_no_namespaces():
    """Say why machines cannot have namespaces here; "" when they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "not root on Linux"
    missing = [one for one in ("ip", "unshare", "nsenter") if shutil.which(one) is None]
    if missing:
        return f"no {missing[0]}"
    attempt = "unshare --net --uts ip link add one type veth peer name two"
    tried = subprocess.run(attempt.split(), capture_output=True, text=True, check=False)
    return tried.stderr.strip().replace("\n", " ")


def until_apart(process):
    """Wait until a process has a network of its own."""
    ends_s = time.monotonic() + CONNECTED_WITHIN_S
    ours = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{process.pid}/ns/net").readlink() == ours:
        if time.monotonic() > ends_s or process.poll() is not None:
            raise NoNetworkError(f"process {process.pid} did not get a network of its own")
        time.sleep(0.005)


class Namespaces:
    """The servers' end of the network.

    Attributes:
        address: where the servers listen.
        range: whose connections they must let in.
        own_host: where a program listens on its own machine.

    """

    kind = "network namespaces"
    own_host = "0.0.0.0"  # noqa: S104 - of a network that has nothing else

    def __init__(self):
        self._numbers = itertools.count(2)
        self._holder = ChildProcess(["unshare", "--net", "sleep", "infinity"])
        try:
            until_apart(self._holder)
            first = os.getpid() % len(NETS)
            self.net = next(net for net in (*NETS[first:], *NETS[:first]) if self._takes(net))
        except BaseException:
            self.close()
            raise
        self.address, self.range = NET.format(self.net, 1), NET.format(self.net, "0/24")
        ip("address", "add", f"{self.address}/24", "dev", f"fl{self.net}-hub")
        ip("link", "set", f"fl{self.net}-hub", "up")

    def _takes(self, net):
        """Whether nobody else's tests have this one. All of it goes with the holder, however that ends."""
        try:
            ip("link", "add", f"fl{net}-hub", "type", "veth", "peer", "name", "hub", "netns", self._holder.pid)
        except NoNetworkError:
            return False
        return True

    def machine(self, words, environment, *, folder, database=None, named=True, **_proxied):
        """Start a program on a new machine: the words of a `flowlaunch` command, or a file and its arguments.

        Unless `named` it has this one's host name: a program that is started again where it ran before.
        """
        return NamespaceMachine(self, next(self._numbers), words, environment, folder, database, named=named)

    def close(self):
        self._holder.kill()
        self._holder.wait(10)


class Machine:
    """One program on a machine: it can be stopped, killed, cut off, and its clock set.

    Attributes:
        address: where it can be reached.
        process: the program; its machine goes when it does.
        clock: by how much its wall clock is off.

    """

    address = "127.0.0.1"

    def __init__(self, name, words, environment, folder, *, before=(), host_name="-"):
        self.name = name
        self.clock = Skew(folder / f"{name}.clock")
        self._said = folder / f"{name}.out"
        command = [*before, sys.executable, MACHINE, host_name, folder / f"{name}.clock", *words]
        with self._said.open("wb") as out, (folder / f"{name}.log").open("wb") as log:
            self.process = ChildProcess(list(map(str, command)), env={**os.environ, **environment},
                                        stdin=subprocess.PIPE, stdout=out, stderr=log)  # fmt: skip

    def said(self):
        """Return what it printed on its standard output so far."""
        return self._said.read_text("utf-8")

    def trouble(self):
        """Return the end of what it printed on its standard error."""
        return self._said.with_suffix(".log").read_text("utf-8", "replace")[-2_000:]

    def begin(self):
        """Tell it that its network is there."""
        self.process.stdin.write(b"\n")
        self.process.stdin.close()

    def end(self):
        """Kill it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)
        with suppress(OSError):
            self.process.stdin.close()

    def close(self):
        """Kill it, and take its wire away."""
        self.end()


class NamespaceMachine(Machine):
    """A machine with a network of its own."""

    def __init__(self, network, number, words, environment, folder, database, *, named):
        name = f"net{network.net}-{number}"
        apart = ("unshare", "--net", *("--uts",) * named)
        super().__init__(name, words, environment, folder, before=apart, host_name=name if named else "-")
        self.address = NET.format(network.net, number)
        self._database = database
        self._wire, self._mine = f"fl{network.net}-{number}", f"02:00:00:00:01:{number:02x}"
        try:
            until_apart(self.process)
            self._connect(network.address)
        except BaseException:
            self.end()
            raise
        self.begin()

    def _connect(self, servers):
        pid = self.process.pid
        ip("link", "add", self._wire, "address", SERVERS, "type", "veth",
           "peer", "name", "wire", "address", self._mine, "netns", pid)  # fmt: skip
        ip("link", "set", "lo", "up", at=pid)
        ip("address", "add", f"{self.address}/32", "dev", "wire", at=pid)
        ip("link", "set", "wire", "up", at=pid)
        ip("route", "add", f"{servers}/32", "dev", "wire", "src", self.address, at=pid)
        ip("neighbour", "add", servers, "lladdr", SERVERS, "dev", "wire", "nud", "permanent", at=pid)
        ip("link", "set", self._wire, "up")
        ip("route", "add", f"{self.address}/32", "dev", self._wire, "src", servers)
        self._reaches(self._mine)

    def _reaches(self, whom):
        ip("neighbour", "replace", self.address, "lladdr", whom, "dev", self._wire, "nud", "permanent")

    def partition(self, way):
        """Drop every packet `to` the machine, `from` it, or both."""
        if way != "to":
            ip("link", "set", self._wire, "address", NOBODY)
        if way != "from":
            self._reaches(NOBODY)

    def heal(self):
        """Let packets through again."""
        ip("link", "set", self._wire, "address", SERVERS)
        self._reaches(self._mine)

    def cut(self):
        """Have the database end every connection of it."""
        mine = f"client_addr = '{self.address}'"
        self._database.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")  # noqa: S608 - ours

    def lose(self):
        """End it as a machine ends that loses power: no server is told."""
        self.partition("both")
        self.end()

    def close(self):
        super().close()
        with suppress(
            NoNetworkError
        ):  # the wire goes by itself, but only once the dead machine's last packets are given up
            ip("link", "delete", self._wire)


class Proxies:
    """The servers' end where machines are processes of this one."""

    kind = "proxies"
    address, range, own_host = "127.0.0.1", None, "127.0.0.1"

    def __init__(self):
        self._numbers = itertools.count(2)

    def machine(self, words, environment, *, folder, database=None, service=None, **_apart):
        """Start a program behind a proxy of its own before the database, and `service` before the rest."""
        return ProxiedMachine(f"proxied-{next(self._numbers)}", words, environment, folder, database, service)

    def close(self):
        pass


class ProxiedMachine(Machine):
    """A machine whose wires are proxies: one of its own before the database, one that is given before the service."""

    def __init__(self, name, words, environment, folder, database, service):
        self._own = Proxy("127.0.0.1", database.port) if database is not None else None
        self._wires = [one for one in (self._own, service) if one is not None]
        if self._own is not None:
            here, there = f":{database.port}/", f":{self._own.port}/"
            environment = {what: text.replace(here, there) for what, text in environment.items()}
            words = [str(one).replace(here, there) for one in words]
        super().__init__(name, words, environment, folder)
        self.begin()

    def partition(self, _way):
        for one in self._wires:
            one.partition()

    def heal(self):
        for one in self._wires:
            one.heal()

    def cut(self):
        for one in self._wires:
            one.cut()

    def lose(self):
        """End it while its wire is held, so that the database is not told."""
        if self._own is not None:
            self._own.partition()
        self.end()

    def close(self):
        super().close()
        if self._own is not None:
            self._own.close()


def network():
    """Return a network of the best kind that is allowed here."""
    return Proxies() if why_no_namespaces() else Namespaces()
