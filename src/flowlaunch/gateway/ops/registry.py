"""Metrics and the text in which Prometheus reads them.

Written here because the client library costs 39 ms at the start and 3 to 8 µs for an observation, a tenth of a whole
request; a test has that library's own parser read what this module writes.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format", version 0.0.4.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["CONTENT_TYPE", "OTHER", "SECONDS", "Counter", "CounterElsewhere", "Gauge", "Histogram", "Registry"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOST_SERIES: Final = 500
"""Series that one metric may have: further ones are counted together, with every label `other`."""
OTHER: Final = "other"

Labels = tuple[str, ...]


class Metric(ABC):
    """What the kinds of metrics share: a name, its help, and values by their labels."""

    kind = "untyped"

    def __init__(self, name: str, about: str, labels: Sequence[str] = (), *, most_series: int = MOST_SERIES) -> None:
        self.name, self.about, self.labels = name, about, tuple(labels)
        self._most = most_series
        self._rest: Labels = (OTHER,) * len(self.labels)

    @abstractmethod
    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Yield suffix of the name, labels and value."""

    def _named(self, values: Labels) -> dict[str, str]:
        return dict(zip(self.labels, values, strict=True))

    def _bounded(self, held: Mapping[Labels, object], values: Labels) -> Labels:
        """Return the series to count in: a new one while there is room for it."""
        return values if values in held or len(held) < self._most else self._rest


class Counter(Metric):
    """A number that only rises while the process lives."""

    kind = "counter"

    def __init__(self, name: str, about: str, labels: Sequence[str] = (), *, most_series: int = MOST_SERIES) -> None:
        super().__init__(name, about, labels, most_series=most_series)
        self._values: dict[Labels, float] = {} if self.labels else {(): 0.0}

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count `by` more."""
        series = self._bounded(self._values, labels)
        self._values[series] = self._values.get(series, 0.0) + by

    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Yield each series."""
        for series, value in sorted(self._values.items()):
            yield "", self._named(series), value


class Gauge(Metric):
    """A number as it is when it is asked for: `read` returns it by labels."""

    kind = "gauge"

    def __init__(
        self,
        name: str,
        about: str,
        read: Callable[[], Mapping[Labels, float]],
        labels: Sequence[str] = (),
        *,
        most_series: int = MOST_SERIES,
    ) -> None:
        super().__init__(name, about, labels, most_series=most_series)
        self._read = read

    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Yield each series; what does not fit any more is summed up in one."""
        held: dict[Labels, float] = {}
        for series, value in sorted(self._read().items()):
            place = self._bounded(held, series)
            held[place] = held.get(place, 0.0) + value
        for series, value in held.items():
            yield "", self._named(series), value


class CounterElsewhere(Gauge):
    """A number that only rises and that somebody else keeps: the ledger, or the system."""

    kind = "counter"


class Histogram(Metric):
    """How often values fell below each of the bounds, with their sum."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        about: str,
        labels: Sequence[str] = (),
        *,
        bounds: Sequence[float] = SECONDS,
        most_series: int = MOST_SERIES,
    ) -> None:
        super().__init__(name, about, labels, most_series=most_series)
        self._bounds = tuple(bounds)
        self._series: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Take in one value. Observations in two threads at once may lose one; none is torn."""
        series = self._bounded(self._series, labels)
        held = self._series.get(series)
        if held is None:
            held = self._series.setdefault(series, [0.0] * (len(self._bounds) + 2))
        held[bisect_left(self._bounds, value)] += 1
        held[-1] += value

    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Yield the buckets of each series, adding up, then sum and count."""
        for series, held in sorted(self._series.items()):
            *counts, total = held
            named, below = self._named(series), 0.0
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                below += count
                yield "_bucket", {**named, "le": _number(bound)}, below
            yield "_sum", named, total
            yield "_count", named, below


class Registry:
    """All metrics of one gateway."""

    def __init__(self, metrics: Iterable[Metric] = ()) -> None:
        self.metrics: list[Metric] = list(metrics)

    def text(self) -> str:
        """Return every metric as Prometheus reads it."""
        return "".join(line for metric in self.metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.about.translate(_IN_HELP)}\n"
    yield f"# TYPE {metric.name} {metric.kind}\n"
    for suffix, labels, value in metric.samples():
        inner = ",".join(f'{name}="{text.translate(_IN_LABEL)}"' for name, text in labels.items())
        yield f"{metric.name}{suffix}{'{' + inner + '}' if inner else ''} {_number(value)}\n"


_IN_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(value)
