"""How times, numbers and JSON are written on a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FILTERS", "Hidden", "count", "instant", "json_html", "short", "span", "when"]

MAX_DEPTH: Final = 12
MAX_NODES: Final = 2_000
MAX_TEXT_CHARS: Final = 2_000
UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))
LARGE: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands in JSON for a value that is not shown; `about` says what kind it is."""

    about: str


def count(value: float) -> str:
    """Write a number with thousands apart."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def short(value: float) -> str:
    """Write a number in at most five characters: 950, 1.2k, 3.4M."""
    for size, letter in LARGE:
        if value >= size:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if scaled < 100 else f"{scaled:.0f}{letter}"
    return f"{value:g}" if value < 100 else f"{value:.0f}"


def span(seconds: float) -> str:
    """Write a length of time with its two largest units: 2 h 5 min, 340 ms."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), list[str]()
    for size, unit in UNITS:
        amount, left = divmod(left, int(size))
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2])


def instant(seconds: float) -> datetime:
    """Turn seconds since 1970 into an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def when(at: datetime | None, show: str = "time") -> Markup:
    """Write an instant as a `time` element; a script puts it into the reader's own zone.

    `show`: `time` (with the day unless it is today), `exact` with milliseconds, or `ticking` on from there.
    """
    if at is None:
        return Markup('<span class="none">\N{EN DASH}</span>')
    utc = at.astimezone(UTC)
    text = f"{utc:%Y-%m-%d %H:%M:%S}" + (f".{utc.microsecond // 1000:03d}" if show == "exact" else "")
    machine = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" data-show="{}" title="{} UTC">{}</time>').format(machine, show, text, text)


def json_html(value: Any) -> Markup:
    """Write JSON as indented, bounded, escaped HTML with its parts marked."""
    left = [MAX_NODES]
    return Markup('<pre class="json" tabindex="0"><code>{}</code></pre>').format(Markup("").join(_json(value, 0, left)))


def _json(value: Any, depth: int, left: list[int]) -> Iterable[Markup]:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        yield Markup('<span class="j-more">\N{HORIZONTAL ELLIPSIS}</span>')
    elif isinstance(value, dict) and value:
        rows = ((_key(key), item) for key, item in value.items())
        yield from _block("{", "}", rows, depth, left)
    elif isinstance(value, (list, tuple)) and value:
        yield from _block("[", "]", ((Markup(""), item) for item in value), depth, left)
    else:
        yield _leaf(value)


def _key(key: object) -> Markup:
    return Markup('<span class="j-key">"{}"</span>: ').format(key)


def _block(
    opening: str, closing: str, rows: Iterable[tuple[Markup, Any]], depth: int, left: list[int]
) -> Iterable[Markup]:
    yield escape(opening)
    comma = ""
    for lead, item in rows:
        yield Markup("{}\n{}").format(comma, "  " * (depth + 1)) + lead
        yield from _json(item, depth + 1, left)
        comma = ","
        if left[0] < 0:
            break
    yield Markup("\n{}{}").format("  " * depth, closing)


def _leaf(value: Any) -> Markup:
    if isinstance(value, Hidden):
        return Markup('<span class="j-hidden">{}</span>').format(value.about)
    if isinstance(value, str):
        more = f"\N{HORIZONTAL ELLIPSIS} ({len(value):,} characters)" if len(value) > MAX_TEXT_CHARS else ""
        return Markup('<span class="j-text">"{}{}"</span>').format(value[:MAX_TEXT_CHARS], more)
    if isinstance(value, (dict, list, tuple)):
        return escape("{}" if isinstance(value, dict) else "[]")
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else str(value)
    return Markup('<span class="j-word">{}</span>').format(text)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "count": count,
    "instant": instant,
    "json": json_html,
    "short": short,
    "span": span,
    "when": when,
}
