"""Traces as they leave a served gateway: by OTLP over HTTP, whole, without secrets, and in nobody's way."""

import gzip
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from receiving import ask, inbox

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.ops.tracing import Tracing, exporting

ENOUGH_S = 60.0
TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
LEADING = ("createLaunch", "launch.queue", "launch.send", "launch.run", "launch.callback")
SERVED = """
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
sys.argv[0] = "flowlaunch"
runpy.run_module("flowlaunch", run_name="__main__")
"""
"""A gateway that ends when whoever started it has ended, however that was."""


class Collector:
    """Takes in what is exported, as a collector of traces does; `spans` are (resource, span) as they came."""

    def __init__(self):
        self.spans, self.paths, self.url = queue.Queue(), set(), ""

    def take(self, path, body):
        self.paths.add(path)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((resource.resource, span))

    def trace(self, trace_id):
        """Return the spans of a trace by name, once all that lead to a callback are there."""
        found = {}
        while not set(LEADING) <= found.keys():
            resource, span = self.spans.get(timeout=ENOUGH_S)
            if span.trace_id.hex() == trace_id:
                found[span.name] = (resource, span)
        return found


@contextmanager
def collecting():
    """Run a collector on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            packed = self.headers.get("content-encoding") == "gzip"
            collector.take(self.path, gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            collector.url = f"http://127.0.0.1:{server.server_port}"
            yield collector
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(folder, sandbox_url, endpoint, *options):
    """Serve a gateway that traces, in a process of its own; yield it, its address and an API key."""
    path = folder / "g.ledger"
    with open_ledger(path) as ledger:
        key = Keys(ledger.store).create("test", ("launch",), who="test").key
    environment = os.environ | {
        "GENESYSCLOUD_REGION": sandbox_url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret", "FLOWLAUNCH_CALLBACK_SECRET": f"whsec_{'c' * 32}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "600", "OTEL_BSP_SCHEDULE_DELAY": "50",
    }  # fmt: skip
    command = [sys.executable, "-c", SERVED, "gateway", "serve", "--ledger", str(path), "--port", "0", "--rate", "off",
               "--quiet", "--traces", "--log-level", "error", *options]  # fmt: skip
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, process.stdout.readline().strip(), key
        finally:
            process.kill()


def launch(url, key, given, **headers):
    """Launch the order flow and wait for its end; return the launch."""
    body = {"flow": "Order follow-up", "input": given}
    body |= {"callback": headers.pop("callback")} if "callback" in headers else {}
    status, _, raw = ask(
        url, "POST", "/v1/launches", json.dumps(body), authorization=f"Bearer {key}", prefer="wait=30",
        content_type="application/json", **headers,
    )  # fmt: skip
    assert status == 200, raw
    return json.loads(raw)


def told(span):
    """Return a span's attributes."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_served_gateway_exports_one_trace_from_the_request_to_the_callback(ops_sandbox, tmp_path):
    """What a collector receives is one trace: the request, the queue, the platform's answer, the run, the callback."""
    given = {"customerName": "Jane Privata", "orderId": "secret-order-77"}
    with (
        collecting() as collector,
        inbox() as (receiver, came),
        served(tmp_path, ops_sandbox.url, collector.url, "--allow-callback", receiver) as (process, url, key),
    ):
        ended = launch(
            url, key, given, callback=f"{receiver}/told", traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01",
            x_request_id="order-77",
        )  # fmt: skip
        callback, _body = came.get(timeout=ENOUGH_S)
        process.terminate()  # the last spans are handed over on the way out
        process.wait(ENOUGH_S)
        found = collector.trace(TRACE_ID)

    assert collector.paths == {"/v1/traces"}
    request = found["createLaunch"][1]
    assert request.parent_span_id.hex() == PARENT_ID
    assert told(request)["flowlaunch.request_id"] == "order-77"
    for name in LEADING[1:]:
        _, span = found[name]
        assert span.parent_span_id == request.span_id, name
        assert [one.span_id for one in span.links] == [request.span_id], name
        assert told(span)["flowlaunch.launch_id"] == ended["id"], name
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, name
    sent = found["launch.send"][1]
    assert sent.kind == Span.SPAN_KIND_CLIENT
    assert told(sent)["genesys.correlation_id"] == ended["correlation_id"]
    assert told(sent)["flowlaunch.execution_id"] == ended["execution_id"]
    assert callback["traceparent"].split("-")[2] == found["launch.callback"][1].span_id.hex()
    for resource, span in found.values():
        assert {one.key: one.value.string_value for one in resource.attributes}["service.name"] == "flowlaunch-gateway"
        for secret in (*given.values(), key.rpartition("_")[2], "demo-secret", "c" * 32):
            assert secret not in f"{resource}{span}", span.name


@pytest.fixture(params=["nobody listens", "nobody answers"])
def broken_endpoint(request):
    """Give the address of a collector that is down, or that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "nobody answers":
            listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_launches_do_not_need_the_collector(ops_sandbox, tmp_path, broken_endpoint):
    """While traces cannot be handed over launches end as ever, and a stop does not wait for the collector."""
    with served(tmp_path, ops_sandbox.url, broken_endpoint) as (process, url, key):
        states = [launch(url, key, {"customerName": "Jane", "orderId": str(one)})["state"] for one in range(2)]
        process.terminate()
        code = process.wait(ENOUGH_S)  # the exporter alone would wait for ten minutes

    assert states == ["completed"] * 2
    assert code == 0


class Stuck(SpanExporter):
    """An exporter that hangs until it is let go, and counts what it then takes."""

    def __init__(self):
        self.taken, self.begun, self.let_go = 0, threading.Event(), threading.Event()

    def export(self, spans):
        self.begun.set()
        self.let_go.wait(ENOUGH_S)
        self.taken += len(spans)
        return SpanExportResult.SUCCESS


def test_spans_that_nobody_takes_are_few(monkeypatch):
    """Behind an exporter that hangs a bounded number of spans waits, and closing does not wait for it."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")
    monkeypatch.setattr("flowlaunch.gateway.ops.tracing.LAST_SPANS_S", 0.01)
    exporter = Stuck()
    provider = exporting(exporter)
    tracing = Tracing(provider, provider.shutdown)

    for number in range(1_000):
        tracing.request("GET", "").end_request(f"asked {number}", 200)
    assert exporter.begun.wait(ENOUGH_S)
    tracing.close()  # comes back although the exporter still hangs
    assert not exporter.taken

    exporter.let_go.set()
    provider.shutdown()
    for thread in threading.enumerate():
        if thread.name in {"last spans", "OtelBatchSpanRecordProcessor"}:
            thread.join(ENOUGH_S)
    assert 0 < exporter.taken <= 64 + 16
