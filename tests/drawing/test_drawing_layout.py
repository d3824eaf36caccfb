"""The layout: nothing overlaps, nothing sticks out, lines keep clear of cards."""

from __future__ import annotations

import itertools

import pytest
from drawing_world import large, shared_flows, small

from flowlaunch.architect.drawing.layout import lay_out
from flowlaunch.architect.drawing.measure import bold_width, fit, mono_width, sans_width, wrap
from flowlaunch.architect.drawing.overlay import Overlay

FLOWS = {"small": small, "large": large, **shared_flows()}


def busy(flow):
    """Lay counts and many long values on every action."""
    numbers = [action.ref.number for action in flow.actions()]
    lines = ("Flow.aVariable = " + "x" * 200, "Flow.other = NOT_SET", "a = 1", "b = 2", "c = 3")
    return Overlay("run", "One run", dict.fromkeys(numbers, 2), values=dict.fromkeys(numbers, lines))


@pytest.fixture(params=list(FLOWS), scope="module")
def flow(request):
    return FLOWS[request.param]()


@pytest.fixture(params=["plain", "with values"])
def picture(request, flow):
    return lay_out(flow, busy(flow) if request.param == "with values" else None, 60)


def overlap(one, other):
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 0.01 and down > 0.01


def inside(inner, outer):
    return (
        inner.x >= outer.x - 0.01
        and inner.y >= outer.y - 0.01
        and inner.x + inner.width <= outer.x + outer.width + 0.01
        and inner.y + inner.height <= outer.y + outer.height + 0.01
    )


def test_every_action_has_its_card(flow, picture):
    """There is one card for each action and one frame for each state and task."""
    assert sum(box.kind == "card" for box in picture.boxes) == len(list(flow.actions()))
    assert sum(box.kind == "frame" for box in picture.boxes) == len(flow.states) + len(flow.tasks)


def test_no_two_boxes_of_one_level_overlap(picture):
    """Boxes that lie in the same frame, and the frames themselves, keep clear of one another, labels included."""
    levels = {}
    for box in (*picture.boxes, *picture.pills):
        levels.setdefault(box.parent, []).append(box)
    for boxes in levels.values():
        for one, other in itertools.combinations(boxes, 2):
            assert not overlap(one, other), (one, other)


def test_every_box_lies_in_its_frame_and_in_the_picture(picture):
    """No card, loop or label sticks out of the frame around it, and no frame out of the picture."""
    for box in (*picture.boxes, *picture.pills):
        assert box.x >= 0
        assert box.y >= 60
        assert box.x + box.width <= picture.width
        assert box.y + box.height <= picture.height
        if box.parent >= 0:
            assert inside(box, picture.boxes[box.parent])


def test_no_line_runs_through_a_card(picture):
    """Lines begin and end at the rims of cards and never pass behind one."""
    cards = [box for box in picture.boxes if box.kind == "card"]
    for line in picture.lines:
        for (x0, y0), (x1, y1) in itertools.pairwise(line.points):
            assert abs(x0 - x1) < 0.01 or abs(y0 - y1) < 0.01
            left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
            for card in cards:
                across = min(right, card.x + card.width - 1) - max(left, card.x + 1)
                down = min(bottom, card.y + card.height - 1) - max(top, card.y + 1)
                assert across < 0 or down < 0, (line, card)


def test_no_line_sticks_out_of_the_picture(picture):
    """Every point of every line lies in the picture."""
    for line in picture.lines:
        for x, y in line.points:
            assert 0 <= x <= picture.width
            assert 0 <= y <= picture.height


def test_texts_fit_their_cards(picture):
    """No line of a card is wider than the card."""
    for box in picture.boxes:
        for line in box.lines:
            assert mono_width(line.text, 10.5) <= box.width - 20


def test_branches_stand_side_by_side():
    """The paths of one action begin at one height, in the order in which the action has them."""
    picture = lay_out(small())
    by_name = {box.title: box for box in picture.boxes if box.kind == "card"}
    assert by_name["Wait"].y == by_name["Tell"].y
    assert by_name["Wait"].x < by_name["Tell"].x
    assert by_name["What is it"].y == by_name["Too slow"].y
    assert {pill.text for pill in picture.pills} >= {"yes", "no", "success", "failure", "timeout", "default", '"late"'}


def test_a_loop_is_a_frame_around_its_body():
    """The cards of a loop and its body lie in the loop's frame, the next action does not."""
    picture = lay_out(small())
    (loop,) = [index for index, box in enumerate(picture.boxes) if box.kind == "loop"]
    within = {box.title for box in picture.boxes if box.parent == loop}
    assert within == {"Try again", "Pause", "Enough", "Stop trying"}


def test_the_first_state_comes_first():
    """The state that runs begin with is at the upper left, whatever the order in the file."""
    picture = lay_out(small())
    frames = [box for box in picture.boxes if box.kind == "frame"]
    assert frames[0].badge == "start"
    assert (frames[0].x, frames[0].y) == (min(one.x for one in frames), min(one.y for one in frames))


@pytest.mark.parametrize(
    "text", ["", "short", "a rather long text with many words in it", "W" * 90, "\u4f60\u597d" * 40]
)
def test_cut_texts_fit_their_room(text):
    """A text that is cut to a width is no wider than that, whatever its script."""
    assert sans_width(fit(text, 120, 12), 12) <= 120
    assert bold_width(fit(text, 120, 12, bold=True), 12) <= 120
    lines = wrap(text, 120, 10.5, 3)
    assert len(lines) <= 3
    assert all(mono_width(line, 10.5) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "").rstrip("\u2026") in text.replace(" ", "")
