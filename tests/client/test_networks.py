"""Certificates and proxies: what is trusted, what is told, and that nothing leaves when it is not."""

import base64
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import trustme
from scripted_server import FLOW_ID, ScriptedServer, answer, execution

from flowlaunch import NotSentError, SettingsError

DATA = {"customerName": "Ada"}


@pytest.fixture(scope="module")
def authority():
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    """Its certificate as a file."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


class TlsServer(ScriptedServer):
    """A scripted server behind TLS."""

    def __init__(self, replies, context):
        self._context = context
        super().__init__(replies)
        self.url = f"https://localhost:{self.port}"

    def _serve(self, sock):
        try:
            secured = self._context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        with self._lock:
            self._sockets.append(secured)
        super()._serve(secured)


@pytest.fixture
def tls(authority):
    """Make TLS servers with a leaf of the authority; `wants_client` asks for a client certificate, too."""
    servers = []

    def make(*, name="localhost", wants_client=False, **replies):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            authority.configure_trust(context)
        server = TlsServer({("GET", "/api/v2/flows/executions"): [execution()], **replies}, context)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


def test_an_own_authority_is_trusted_when_given(connect, tls, ca_file):
    """With its CA file a server behind a private authority is reached, and its connection is used again."""
    server = tls()
    client = connect(server.url, access_token="given", ca_file=ca_file)

    assert [client.call("status", "exec-1").status for _ in range(3)] == ["RUNNING"] * 3
    assert server.connections == 1


def test_an_unknown_authority_is_refused_at_once(connect, tls):
    """Without the CA file nothing is sent, nothing is repeated, and the hint says what to give."""
    server = tls()
    client = connect(server.url, access_token="given")

    with pytest.raises(NotSentError) as caught:
        client.call("launch", FLOW_ID, DATA, preflight="off")

    assert caught.value.details["kind"] == "certificate"
    assert "ca_file" in caught.value.hint
    assert (server.requests, client.clock.slept) == ([], [])


def test_a_certificate_for_another_host_is_refused(connect, tls, ca_file):
    """A certificate that names another host is no proof of this one."""
    server = tls(name="other.example")

    with pytest.raises(NotSentError) as caught:
        connect(server.url, access_token="given", ca_file=ca_file).call("status", "exec-1")

    assert caught.value.details["kind"] == "certificate"
    assert server.requests == []


def test_a_client_certificate_is_shown_when_asked_for(connect, tls, authority, ca_file, tmp_path):
    """With certificate and key a server that asks for them answers."""
    leaf = authority.issue_cert("client.example")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = {"client_cert_file": tmp_path / "cert.pem", "client_key_file": tmp_path / "key.pem"}

    client = connect(tls(wants_client=True).url, access_token="given", ca_file=ca_file, **files)

    assert client.call("status", "exec-1").status == "RUNNING"


def test_a_plain_server_is_no_tls_server(connect, scripted):
    """Speaking TLS to a port that does not ends with nothing sent."""
    server = scripted()
    url = server.url.replace("http://", "https://")

    with pytest.raises(NotSentError) as caught:
        connect(url, access_token="given").call("launch", FLOW_ID, DATA, preflight="off", timeout_s=5)

    assert caught.value.details["kind"] in {"tls", "reset", "connect", "timeout"}
    assert server.launches == 0


@pytest.mark.parametrize("what", ["ca_file", "client_cert_file"])
def test_a_file_that_is_no_certificate_is_a_settings_error(connect, tmp_path, what):
    """A spoilt PEM file is named before anything is sent."""
    path = tmp_path / "odd.pem"
    path.write_text("not PEM")

    with pytest.raises(SettingsError) as caught:
        connect("https://localhost:1", access_token="given", **{what: path}).call("status", "exec-1")

    assert caught.value.code == "tls-files"
    assert "odd.pem" in caught.value.message


class Proxy:
    """A proxy that connects to wherever it is asked, or answers what a test says."""

    def __init__(self, refusal=None):
        self._refusal = refusal
        self.heads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = [self._listener]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = []
        self._start(self._accept)

    def close(self):
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._ends.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock):
        head = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in head and (data := sock.recv(1)):
                head += data
        if not head:
            return
        self.heads.append(head.decode())
        if self._refusal is not None:
            with suppress(OSError):
                sock.sendall(self._refusal)
                sock.shutdown(socket.SHUT_RDWR)
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        other = socket.create_connection((host, int(port)))
        self._ends.append(other)
        sock.sendall(b"HTTP/1.1 200 Connection established\r\nx-proxy: yes\r\n\r\n")
        self._start(self._pipe, sock, other)
        self._pipe(other, sock)

    @staticmethod
    def _pipe(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def proxy():
    """Make proxies."""
    made = []

    def make(refusal=None):
        made.append(Proxy(refusal))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_proxy_is_asked_to_tunnel(connect, tls, ca_file, proxy):
    """A TLS request goes through the proxy's tunnel, with the proxy's credentials to the proxy alone."""
    server, through = tls(), proxy()
    url = through.url.replace("http://", "http://me:p%40ss@")

    client = connect(server.url, access_token="given", ca_file=ca_file, proxy=url)
    assert [client.call("status", "exec-1").status for _ in range(2)] == ["RUNNING"] * 2

    (head,) = through.heads
    assert head.startswith(f"CONNECT localhost:{server.port} HTTP/1.")
    assert f"basic {base64.b64encode(b'me:p@ss').decode()}".lower() in head.lower()
    assert "authorization" not in head.lower().replace("proxy-authorization", "")
    assert all("proxy-authorization" not in seen.headers for seen in server.requests)


def test_a_proxy_that_refuses_means_that_nothing_was_sent(connect, proxy):
    """A proxy's 407 to CONNECT is told as the proxy's, without its password; nothing reached the service."""
    through = proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
    url = through.url.replace("http://", "http://me:pr0xy-pass@")
    client = connect("https://api.example.test", access_token="given", proxy=url)

    with pytest.raises(NotSentError) as caught:
        client.call("launch", FLOW_ID, DATA, preflight="off")

    assert caught.value.details["kind"] == "proxy"
    assert "407" in caught.value.message
    assert "HTTPS_PROXY" in caught.value.hint
    assert "pr0xy-pass" not in str(caught.value)


def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(connect):
    """A closed port where the proxy should be is told as the proxy's fault."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(NotSentError) as caught:
        connect("https://api.example.test", access_token="given", proxy=url).call("status", "exec-1")

    assert caught.value.details["kind"] == "proxy"


def test_a_proxy_that_hangs_up_means_that_nothing_was_sent(connect, proxy):
    """A proxy that closes the connection instead of answering is told as the proxy's fault."""
    with pytest.raises(NotSentError) as caught:
        connect("https://api.example.test", access_token="given", proxy=proxy(b"").url).call("status", "exec-1")

    assert caught.value.details["kind"] == "proxy"


def test_a_plain_request_names_its_whole_url_to_the_proxy(connect, proxy):
    """A request without TLS is handed to the proxy whole, with the proxy's credentials."""
    through = proxy(answer(body={"id": "exec-1", "status": "RUNNING"}))
    url = through.url.replace("http://", "http://me:pw@")

    client = connect("http://api.example.test", access_token="given", proxy=url)

    assert client.call("status", "exec-1").status == "RUNNING"
    assert through.heads[0].startswith("GET http://api.example.test/api/v2/flows/executions/exec-1 HTTP/1.1")
    assert "proxy-authorization" in through.heads[0].lower()


def test_the_environments_proxy_counts_but_not_for_this_machine(connect, proxy, scripted, monkeypatch):
    """HTTP_PROXY is used for other hosts, NO_PROXY excepts some, and loopback never goes through it."""
    through = proxy(answer(body={"id": "exec-1", "status": "RUNNING"}))
    monkeypatch.setenv("http_proxy", through.url)
    monkeypatch.setenv("no_proxy", "direct.example.test")

    assert connect("http://api.example.test", access_token="given").call("status", "exec-1").status == "RUNNING"
    assert len(through.heads) == 1

    server = scripted(execution=[execution("COMPLETED")])
    assert connect(server.url, access_token="given").call("status", "exec-1").status == "COMPLETED"
    assert len(through.heads) == 1


def test_no_proxy_excepts_hosts(monkeypatch):
    """A host of NO_PROXY is reached directly."""
    from flowlaunch._io.network import Network

    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "direct.example.test")

    assert Network().proxy_for("https://direct.example.test/x") is None
    assert Network().proxy_for("https://api.example.test/x") == "http://proxy.example:3128"


def test_a_proxy_may_be_written_without_its_scheme(monkeypatch):
    """`proxy.example:3128` is an HTTP proxy, as everywhere."""
    from flowlaunch._io.network import Network

    monkeypatch.setenv("https_proxy", "proxy.example:3128")

    assert Network().proxy_for("https://api.example.test/x") == "http://proxy.example:3128"
    assert Network(proxy="me:pw@proxy.example:3128").proxy_for("https://x/") == "http://me:pw@proxy.example:3128"


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:1080", "https://127.0.0.1:3129", "http://", "http://[::1", "x://y"]
)
def test_a_proxy_of_another_kind_is_a_settings_error(connect, monkeypatch, url):
    """SOCKS and TLS to the proxy are not spoken: that is said before anything is sent, by either client."""
    monkeypatch.setenv("https_proxy", url)

    with pytest.raises(SettingsError) as caught:
        connect("https://api.example.test", access_token="given").call("status", "exec-1")

    assert caught.value.code == "proxy"
