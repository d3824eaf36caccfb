"""The parts of the report, from the verdict down to the small print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.report.distributions import STATE_WORDS, causes_plot, colour_of, durations_plot, states_bar
from flowlaunch.batch.report.happenings import HIDDEN_KINDS, happening
from flowlaunch.batch.report.markup import Child, Markup, joined, tag
from flowlaunch.batch.report.over_time import failures_plot, outcomes_plot, throughput_plot
from flowlaunch.batch.report.scales import count_text, duration_text, span_text
from flowlaunch.batch.report.words import (
    HEADS,
    advice_on,
    meaning_of_reason,
    next_steps,
    numbers_text,
    rows_text,
)
from flowlaunch.batch.results.summary import instant
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from flowlaunch.batch.report.material import Material

__all__ = ["SECTIONS"]

_CAUSED: Final = frozenset({RowState.FAILED, RowState.REFUSED, RowState.IN_DOUBT})
_NOTHING: Final = Markup("")


def _when(at: datetime | None, material: Material) -> str:
    return "" if at is None else f"{at.astimezone(material.zone):%Y-%m-%d %H:%M:%S}"


def _when_us(at_us: int | None, material: Material) -> str:
    return "" if at_us is None else _when(instant(at_us), material)


def _table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Child]]) -> Markup:
    """Lay out a table; each head is (text, class of its column)."""
    top = tag("tr", *(tag("th", text, class_=kind or None, scope="col") for text, kind in heads))
    body = [
        tag("tr", *(tag("td", cell, class_=kind or None) for cell, (_, kind) in zip(row, heads, strict=True)))
        for row in rows
    ]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="scroll", tabindex="0")


def _section(title: str, *parts: Markup | None) -> Markup:
    return tag("section", tag("h2", title), *parts)


def _header(material: Material) -> Markup:
    summary = material.summary
    version = f", version {summary.flow_version}" if summary.flow_version else ""
    name = Path(summary.source).name or summary.source
    about = [
        tag("p", f"Flow {summary.flow_name or summary.flow_id}{version}, one launch per row of {name}.", class_="about")
    ]
    first, last = summary.first_sent_at, summary.last_ended_at or summary.last_sent_at
    if first and last:
        spans = f"{_when(first, material)} to {_when(last, material)} ({material.zone}), "
        about.append(tag("p", f"{spans}{span_text((last - first).total_seconds())} in all.", class_="about"))
    return joined(tag("h1", summary.name), *about)


def _verdict(material: Material) -> Markup:
    first, numbers = HEADS[material.summary.verdict], numbers_text(material.summary.states)
    steps = [
        tag("li", sentence, " ", tag("code", command))
        for sentence, command in next_steps(material.summary.states, material.target)
    ]
    todo = tag("ul", *steps, class_="steps") if steps else None
    said = joined(tag("p", first, class_="head"), tag("p", numbers))
    return tag("div", said, todo, class_=f"verdict {material.summary.verdict}", role="status")


def _tiles(material: Material) -> Markup:
    summary, states = material.summary, material.summary.states
    sent = summary.rows - summary.skipped
    tiles: list[tuple[str, str, str]] = [
        ("rows", count_text(summary.rows), f"{count_text(summary.skipped)} skipped" if summary.skipped else ""),
        ("launched", count_text(summary.launched), _share(summary.launched, sent)),
        (
            "completed",
            count_text(states.get("completed", 0)),
            _share(states.get("completed", 0), summary.launched, "of them"),
        ),
        ("failed", count_text(states.get("failed", 0)), _share(states.get("failed", 0), summary.launched, "of them")),
        ("in doubt", count_text(states.get("in_doubt", 0)), _share(states.get("in_doubt", 0), sent)),
        ("not launched", count_text(summary.not_launched), _share(summary.not_launched, sent)),
    ]
    if summary.durations:
        tiles.append(
            (
                "median run",
                duration_text(summary.durations.p50_s),
                f"95 % within {duration_text(summary.durations.p95_s)}",
            )
        )
    if summary.mean_per_minute:
        tiles.append(("launches a minute", count_text(round(summary.mean_per_minute)), "mean, pauses included"))
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value, tag("small", more)))
          for name, value, more in tiles),
        class_="tiles",
    )  # fmt: skip


def _share(part: int, whole: int, of: str = "") -> str:
    """Spell a share so that only all is 100 % and only none is nothing."""
    if not whole or not part:
        return ""
    percent = 100 * part / whole
    said = "100 %" if part == whole else f"{min(max(percent, 0.1), 99.9):.1f} %"
    return f"{said} {of}".rstrip()


def _rows_by_state(material: Material) -> Markup:
    states = material.summary.states
    rows = [
        (
            joined(tag("span", class_=f"swatch {colour_of(state)}", aria_hidden="true"), words),
            count_text(states[state.value]),
            _share(states[state.value], material.summary.rows),
        )
        for state, words in STATE_WORDS.items()
        if states.get(state.value)
    ]
    heads = (("state", ""), ("rows", "number"), ("share", "number"))
    return _section("Rows", tag("figure", states_bar(states)), _table(heads, rows))


def _throughput(material: Material) -> Markup:
    plot, summary = throughput_plot(material), material.summary
    if plot is None:
        return _NOTHING
    most = count_text(summary.most_in_60_s)
    said = f"{count_text(summary.requests)} launch requests in all; at most {most} in any 60 s."
    budgets = [rate for _, rate in material.budgets if rate is not None]
    if budgets:
        said += f" Budget: {', then '.join(map(count_text, budgets))} a minute, reading the results included. It holds"
        said += " for any 60 s; a shorter bar may stand above it."
    else:
        said += " The batch ran without a budget."
    note = tag("p", said, class_="note")
    retried = summary.retried_rows
    more = f"{rows_text(retried)} took more than one attempt; the plot shows the last of each."
    return _section(
        "Throughput against the budget",
        tag("figure", plot),
        note,
        tag("p", more, class_="note") if retried else None,
    )


def _outcomes(material: Material) -> Markup:
    plot, failures = outcomes_plot(material), failures_plot(material)
    if plot is None:
        return _NOTHING
    return _section("Outcomes over time", tag("figure", plot), tag("figure", failures) if failures else None)


def _durations(material: Material) -> Markup:
    plot, figures = durations_plot(material), material.summary.durations
    if plot is None or figures is None:
        return _NOTHING
    named = {
        "half within": figures.p50_s,
        "90 % within": figures.p90_s,
        "95 % within": figures.p95_s,
        "99 % within": figures.p99_s,
        "longest": figures.longest_s,
    }
    said = ", ".join(f"{name} {duration_text(seconds)}" for name, seconds in named.items())
    note = tag("p", f"{count_text(figures.executions)} executions with a known end: {said}.", class_="note")
    return _section("How long executions ran", tag("figure", plot), note)


def _causes(material: Material) -> Markup:
    causes = material.summary.causes
    plot = causes_plot(causes)
    if plot is None:
        return _NOTHING
    rows = [
        (
            STATE_WORDS[cause.state],
            tag("code", cause.code),
            count_text(cause.rows),
            joined(tag("span", cause.message), tag("br"), tag("span", advice_on(cause), class_="about"))
            if advice_on(cause) != cause.message
            else cause.message,
            count_text(cause.example_row),
        )
        for cause in causes
    ]
    heads = (("state", "brief"), ("cause", ""), ("rows", "number"), ("what it says, and what to do", ""),
             ("first row", "number"))  # fmt: skip
    more = material.tally.untold_causes
    note = tag("p", f"{rows_text(more)} with further causes are in the export.", class_="note") if more else None
    return _section("Errors by cause", tag("figure", plot), _table(heads, rows), note)


def _reasons(material: Material) -> Markup:
    reasons = [one for one in material.summary.reasons if one.state not in _CAUSED]
    if not reasons:
        return _NOTHING
    rows = [
        (STATE_WORDS[one.state], tag("code", one.reason), count_text(one.rows), meaning_of_reason(one.reason))
        for one in reasons
    ]
    heads = (("state", "brief"), ("reason", ""), ("rows", "number"), ("what it means", ""))
    return _section("Held, skipped and rejected, by reason", _table(heads, rows))


def _in_doubt(material: Material) -> Markup:
    doubtful = material.summary.in_doubt
    if not doubtful:
        return _NOTHING
    said = (
        "These rows were sent, and no answer says what became of them. The flow may have run for them. They are not "
        "sent again until somebody has settled them."
    )
    rows = [
        (
            count_text(row.number),
            count_text(row.line),
            row.key,
            _when_us(row.sent_us, material),
            row.message or row.reason,
            tag("code", row.correlation_id) if row.correlation_id else "",
        )
        for row in doubtful
    ]
    heads = (("row", "number"), ("line", "number"), ("key", ""), ("sent", "brief"), ("what is known", ""),
             ("correlation id", ""))  # fmt: skip
    more = material.summary.states.get("in_doubt", 0) - len(doubtful)
    note = tag("p", f"and {rows_text(more)} more: see the export.", class_="note") if more else None
    return _section("In doubt", tag("p", said), _table(heads, rows), note)


def _history(material: Material) -> Markup:
    if not material.events:
        return _NOTHING
    rows = [
        (_when_us(event.at_us, material), *happening(event))
        for event in material.events
        if event.kind not in HIDDEN_KINDS
    ]
    more = material.untold_events
    note = tag("p", f"{count_text(more)} earlier events are in the ledger.", class_="note") if more else None
    return _section("What happened", note, _table((("time", "brief"), ("event", "brief"), ("", "")), rows))


def _small_print(material: Material) -> Markup:
    summary = material.summary
    facts: list[tuple[str, str]] = [
        ("flow", f"{summary.flow_name} ({summary.flow_id})" if summary.flow_name else summary.flow_id),
        ("flow version, pinned", summary.flow_version),
        ("source", summary.source),
        ("source, sha256", summary.source_sha256),
        ("created", _when(summary.created_at, material)),
        *((name.replace("_", " "), str(value)) for name, value in summary.settings.items() if _is_plain(value)),
    ]
    rows = [(name, value) for name, value in facts if value]
    return _section("About this batch", _table((("", "brief"), ("", "")), rows))


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool) and value != ""


def _footer(material: Material) -> Markup:
    summary = material.summary
    return tag(
        "footer",
        f"Made {_when(summary.made_at, material)} by {summary.made_by} from batch {summary.batch_id} of its ledger. "
        f"Times are in {material.zone}. Durations are kept to three digits. The page holds keys and messages of rows, "
        "and no input data.",
    )


SECTIONS: Final[tuple[Callable[[Material], Markup], ...]] = (
    _header, _verdict, _tiles, _rows_by_state, _throughput, _outcomes, _durations, _causes, _reasons, _in_doubt,
    _history, _small_print, _footer,
)  # fmt: skip
"""The parts in their order; each gives nothing when the batch has nothing for it."""
