"""Traces: one from the request to the launch, the run and the callback, and none of it without the extra."""

import subprocess
import sys

import pytest
from gateway_world import gateway
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from receiving import inbox

from flowlaunch.errors import SettingsError
from flowlaunch.gateway.ops import tracing
from flowlaunch.gateway.ops.options import OpsOptions
from flowlaunch.gateway.ops.tracing import Tracing
from flowlaunch.sandbox import Status

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def spans(monkeypatch):
    """Trace into memory; return the spans that have ended, by name."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(Tracing, "configured", classmethod(lambda cls: cls(provider)))
    return lambda: {span.name: span for span in exporter.get_finished_spans()}


def hexed(number, digits):
    return f"{number:0{digits}x}"


def test_one_trace_leads_from_the_request_to_the_callback(ops_sandbox, tmp_path, spans):
    """Request, queue, sending, run and callback are spans of the caller's trace, and the receiver is told it, too."""
    with inbox() as (url, came):
        how = {"ops": OpsOptions(traces=True), "callback_allow": (url,)}
        with gateway(ops_sandbox, tmp_path, **how) as world:
            reply = world.launch(callback=f"{url}/told", wait_s=50, h_traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01")
            headers, _body = came.get(timeout=60)
            launch = reply.json

    found = spans()
    names = ("createLaunch", "launch.queue", "launch.send", "launch.run", "launch.callback")
    assert {hexed(found[name].context.trace_id, 32) for name in names} == {TRACE_ID}
    request = found["createLaunch"]
    assert request.kind is SpanKind.SERVER
    assert hexed(request.parent.span_id, 16) == PARENT_ID
    assert request.attributes["flowlaunch.launch_id"] == launch["id"]
    for name in names[1:]:
        assert found[name].parent.span_id == request.context.span_id, name
        assert [link.context.span_id for link in found[name].links] == [request.context.span_id], name
        assert found[name].attributes["flowlaunch.launch_id"] == launch["id"]
        assert found[name].start_time <= found[name].end_time
    assert found["launch.send"].attributes["flowlaunch.execution_id"] == launch["execution_id"]
    assert found["launch.run"].attributes["flowlaunch.state"] == "completed"
    sent = found["launch.callback"]
    assert headers["traceparent"] == f"00-{TRACE_ID}-{hexed(sent.context.span_id, 16)}-01"
    assert not any("Jane" in str(span.attributes) for span in found.values())


def test_what_goes_wrong_is_marked(spans, ops_sandbox, tmp_path):
    """A launch that the platform refuses has a span that says so, with the code and the correlation id."""
    with gateway(ops_sandbox, tmp_path, ops=OpsOptions(traces=True)) as world:
        ops_sandbox.faults.next("executions.launch", Status(400))
        world.launch(wait_s=50)

    refused = spans()["launch.send"]
    assert refused.status.status_code is StatusCode.ERROR
    assert refused.attributes["flowlaunch.state"] == "refused"
    assert refused.attributes["http.response.status_code"] == 400
    assert refused.attributes["genesys.correlation_id"]


def test_without_traces_a_callers_trace_is_handed_on(open_door):
    """Also without the extra a launch keeps its caller's trace, and its callback carries it to the receiver."""
    traceparent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    with inbox() as (url, came):
        world = open_door(callback_allow=(url,))
        world.launch(callback=url, h_traceparent=traceparent)
        headers, _body = came.get(timeout=60)

    assert headers["traceparent"] == traceparent


def test_a_gateway_without_traces_loads_nothing_of_them():
    """What is served without --traces imports nothing of OpenTelemetry."""
    program = "import sys, flowlaunch.gateway.serve; sys.exit(any('opentelemetry' in name for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("missing", ["opentelemetry", tracing.EXPORTER.split(".trace_")[0]])
def test_what_is_missing_for_traces_is_named(monkeypatch, missing):
    """Traces without OpenTelemetry, or without its exporter, are an error that says what to install."""
    for name in [one for one in sys.modules if one.startswith(missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(SettingsError) as caught:
        Tracing.configured()

    assert caught.value.code == "traces-missing"
    assert "pip install" in caught.value.hint
