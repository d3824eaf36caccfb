"""A receiver of callbacks, and a visitor of the page, as simple as they can be."""

import http.client
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit


@contextmanager
def inbox(*statuses):
    """Receive callbacks; yield the address and the queue of (headers, body); answer `statuses` first, then 204."""
    came, left = queue.Queue(), list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(left.pop(0) if left else 204)
            self.end_headers()
            came.put(({name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join()


def ask(url, method, path, body=None, **headers):
    """Ask once; return the status, the headers and the body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=90)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def signed_in(url, key):
    """Sign in to the page with a key; return the cookie."""
    status, headers, _body = ask(
        url, "POST", "/sign-in", urlencode({"key": key}), content_type="application/x-www-form-urlencoded", origin=url
    )
    assert status in {302, 303}, status
    return headers["set-cookie"].partition(";")[0]
