"""The report: one page that stands alone, says what happened, and runs nothing."""

from __future__ import annotations

import re
from datetime import UTC
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from report_world import NOW, START_US, S, campaign, launched, material, ordinary, record
from results_world import small_batch

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.ledger.shapes import EventRecord
from flowlaunch.batch.report.page import render_report, report_of
from flowlaunch.batch.report.words import HEADS

EVIL = "<script>alert(1)</script>\"'&\x1b[31m\x00"
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page: its elements, its text, and whether every element is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words, self.attributes = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def usual():
    return render_report(ordinary())


def test_the_page_is_well_formed_and_loads_nothing(usual):
    """Every element is closed, there is no script, no style of its own, and no address is fetched."""
    page = Page(usual)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "base", "a"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"style", "src", "href"}]
    assert "url(" not in usual
    assert "@import" not in usual
    policy = next(value for tag, name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_text_of_rows_is_only_ever_text():
    """Whatever keys, messages, names and codes hold, the page shows it as text."""
    rows = [
        record(1, "in_doubt", key=EVIL, message=EVIL, correlation_id=EVIL, reason=EVIL, intent_us=START_US),
        record(2, "refused", key=EVIL, message=EVIL, error_code=EVIL),
        record(3, "held", reason=EVIL),
    ]
    events = [EventRecord(event_id=1, batch_id=1, at_us=START_US, kind=EVIL, facts={"message": EVIL, "by": EVIL})]
    html = render_report(material(rows, events=events, flow_name=EVIL, source=EVIL, name=EVIL, settings={"a": EVIL}))
    page = Page(html)
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in html
    assert "\x00" not in html


def test_every_plot_has_a_name_and_a_description(usual):
    """Each drawing is one image with a title and a description that its label points at."""
    page = Page(usual)
    drawings = page.tags.count("svg")
    assert drawings == 6
    roles = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    assert roles == ["img"] * drawings
    ids = {value for _, name, value in page.attributes if name == "id"}
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-labelledby")]
    assert len(set(labels)) == drawings
    assert all(set(label.split()) <= ids for label in labels)


def test_coordinates_stay_inside_their_drawing(usual):
    """No bar or line lies outside of its drawing, and none has a negative size."""
    for drawing in re.findall(r'<svg[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>(.*?)</svg>', usual, re.DOTALL):
        width, height = float(drawing[0]), float(drawing[1])
        for name, value in re.findall(r' (x|y|x1|x2|y1|y2|width|height)="(-?[\d.]+)"', drawing[2]):
            assert 0 <= float(value) <= (width if name in {"x", "x1", "x2", "width"} else height)


def test_the_page_says_what_happened(usual):
    """Verdict, sums, causes with their cure, reasons, rows in doubt, pauses and who asked for them are all there."""
    text = Page(usual).text
    for part in (
        HEADS["in-doubt"], "Payment reminder, version 3.0", "flow.data.action.failure", "data action 'Get customer'",
        "do-not-contact", "a do-not-contact file names one", "unknown-zone", "row-1999", "c-1999", "by ada",
        "at most 297 in any 60 s", "Budget: 300 a minute",
    ):  # fmt: skip
        assert part in text, part


def test_every_next_step_names_its_command(usual):
    """The steps at the top are commands that name the ledger."""
    text = Page(usual).text
    for command in ("reconcile LEDGER", "retry LEDGER --state failed", "export LEDGER --rejects"):
        assert f"flowlaunch batch {command}" in text


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [record(1, "pending")],
        [record(1, "rejected", reason="bad-value")],
        [launched(1, START_US, took_s=0)],
        [launched(1, START_US, state="failed", took_s=86_400 * 3)],
        [record(1, "in_doubt", intent_us=START_US)],
        [launched(1, START_US), launched(2, START_US + 400 * 86_400 * S)],
        [record(1, "failed", attempts=1, intent_us=START_US, result_started_us=1, result_ended_us=S)],
        [launched(1, START_US), launched(2, START_US + S, took_s=-90, state="failed")],
        [record(1, "launched", intent_us=START_US, launched_us=START_US, execution_id="e", attempts=1)],
    ],
    ids=["empty", "pending", "rejected", "one", "slow", "doubt", "a year", "clock of 1970", "clock behind", "running"],
)
def test_a_report_of_any_batch_can_be_drawn(rows):
    """Empty, tiny, endless and unfinished batches have a report."""
    page = Page(render_report(material(rows)))
    assert page.open == []
    assert "nan" not in page.text.lower().split()


def test_a_million_rows_make_a_small_page():
    """The page does not grow with the rows: twenty times the rows, about the same page."""
    small, large = (len(render_report(material(campaign(rows)))) for rows in (1_000, 20_000))
    assert large < 3 * small
    assert large < 150_000


def test_times_are_told_in_the_readers_zone():
    """The same batch is told in the zone that was asked for, and the page names it."""
    rows = [launched(1, START_US)]
    assert "2025-11-17 09:00:00" in Page(render_report(material(rows, zone=UTC))).text
    berlin = Page(render_report(material(rows, zone=ZoneInfo("Europe/Berlin")))).text
    assert "2025-11-17 10:00:00" in berlin
    assert "Europe/Berlin" in berlin


def test_a_ledger_becomes_a_report(tmp_path):
    """The report of a real ledger shows its rows and the commands for it."""
    _, place = small_batch(tmp_path)
    with open_ledger(place) as ledger:
        html = report_of(ledger, 1, now=NOW, zone=UTC, target="people.csv")
    text = Page(html).text
    assert "2 of 5 rows launched" in text
    assert "flowlaunch batch reconcile people.csv" in text
    assert "it <b>broke</b>" in text
    assert "Ada" not in text


def test_light_dark_and_print_have_the_same_colours():
    """The style sheet defines every colour for light, for dark and for paper."""
    css = re.search(r"<style>(.*?)</style>", render_report(material([])), re.DOTALL)
    assert css is not None
    light, dark, paper = (
        set(re.findall(r"(--[\w-]+):", block)) for block in re.findall(r":root \{(.*?)\}", css[1], re.DOTALL)
    )
    assert light == dark
    assert light - paper == {"--accent"}
