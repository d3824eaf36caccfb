"""Traces (extra `otel`): one from the request to the launch, the run's end and the callback, across the durable queue.

A launch's trace is kept with it in the ledger, so what happens to it hours later, or in another process, is a part of
the same trace and links to the request. Without the extra none of this is loaded.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Self

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider as OwnProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanKind, TracerProvider

__all__ = ["Span", "Tracing", "exporting"]

SCOPE: Final = "flowlaunch.gateway"
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
SERVICE: Final = "flowlaunch-gateway"
LAST_SPANS_S: Final = 2.0
"""For what is still kept when the gateway stops; where the receiver hangs, the rest is lost and the stop is not."""


class Tracing:
    """Makes spans with a provider of OpenTelemetry; `finish` hands over what it still keeps."""

    def __init__(self, provider: TracerProvider, finish: Callable[[], Any] | None = None) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._otel = trace
        self._finish = finish or getattr(provider, "force_flush", None)
        self._tracer = provider.get_tracer(SCOPE)
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def configured(cls) -> Self:
        """Trace with the provider that the program set up, else with the SDK and its exporter by OTLP over HTTP.

        Both read the usual variables, `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_SERVICE_NAME` among them.

        Raises:
            SettingsError: the extra, or the exporter, is not installed.

        """
        try:
            from opentelemetry import trace  # noqa: PLC0415 - an extra

            provider = trace.get_tracer_provider()
            if not isinstance(provider, trace.ProxyTracerProvider):
                return cls(provider)
            exporter = import_module(EXPORTER).OTLPSpanExporter()
        except ImportError as error:
            raise _missing() from error
        own = exporting(exporter)
        return cls(own, own.shutdown)

    def request(self, method: str, traceparent: str) -> Span:
        """Begin the span of a request; its name is known when it has ended."""
        kind = self._otel.SpanKind.SERVER
        attributes = {"http.request.method": method}
        span = self._tracer.start_span(method, self._context(traceparent), kind=kind, attributes=attributes)
        return Span(span, self._propagator)

    def linked(
        self,
        name: str,
        traceparent: str,
        kind: str = "INTERNAL",
        *,
        attributes: Mapping[str, Any],
        began_us: int | None = None,
    ) -> Span:
        """Begin a span in the trace that was kept with a launch, now or at an instant of the past."""
        context = self._context(traceparent)
        origin = self._otel.get_current_span(context).get_span_context()
        chosen: SpanKind = self._otel.SpanKind[kind]
        span = self._tracer.start_span(
            name,
            context,
            kind=chosen,
            attributes={key: value for key, value in attributes.items() if value not in {None, ""}},
            links=[self._otel.Link(origin)] if origin.is_valid else [],
            start_time=None if began_us is None else began_us * 1000,
        )
        return Span(span, self._propagator)

    def close(self) -> None:
        """Hand over what is still kept, for a moment: OpenTelemetry's own limits for this are not kept to."""
        if self._finish is not None:
            last = threading.Thread(target=self._finish, name="last spans", daemon=True)
            last.start()
            last.join(LAST_SPANS_S)

    def _context(self, traceparent: str) -> Context:
        return self._propagator.extract({"traceparent": traceparent} if traceparent else {}, context=_root())


class Span:
    """One span that is under way."""

    __slots__ = ("_propagator", "_span", "traceparent")

    def __init__(self, span: Any, propagator: Any) -> None:
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - an extra

        self._span = span
        carrier: dict[str, str] = {}
        propagator.inject(carrier, set_span_in_context(span, _root()))
        self.traceparent = carrier.get("traceparent", "")

    def end(self, *, ended_us: int | None = None, problem: str = "", **attributes: Any) -> None:
        """End it; a problem marks it as gone wrong."""
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

        for name, value in attributes.items():
            if value not in {None, ""}:
                self._span.set_attribute(name.replace("__", "."), value)
        if problem:
            self._span.set_status(Status(StatusCode.ERROR, problem))
        self._span.end(None if ended_us is None else ended_us * 1000)

    def end_request(self, operation: str, status: int, **attributes: Any) -> None:
        """Name a request's span by what it was and end it."""
        self._span.update_name(operation)
        problem = f"answered {status}" if status >= 500 else ""
        self.end(problem=problem, http__response__status_code=status, **attributes)


def exporting(exporter: SpanExporter) -> OwnProvider:
    """Return a provider that exports beside all work, from a queue that drops what is oldest when it is full.

    The queue is bounded by `OTEL_BSP_MAX_QUEUE_SIZE`, 2048 spans.
    """
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

    asked = Resource.create()  # by the environment
    is_named = not str(asked.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    resource = asked if is_named else asked.merge(Resource({SERVICE_NAME: SERVICE}))
    own = TracerProvider(resource=resource, shutdown_on_exit=False)  # its own way out waits half a minute
    own.add_span_processor(BatchSpanProcessor(exporter))
    return own


def _root() -> Context:
    """Return an empty context: whatever else traces this process is no parent of ours."""
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra

    return Context()


def _missing() -> SettingsError:
    return SettingsError(
        "traces need OpenTelemetry and its exporter, which are not both installed",
        code="traces-missing",
        hint="Run: pip install 'flowlaunch[otel]'",
    )
