"""The table of moves: complete, closed, and without a way around a decision."""

from __future__ import annotations

import itertools

import pytest

from flowlaunch.batch.states import (
    DECISIONS,
    FINAL_STATES,
    FIRST_STATES,
    MOVES,
    RETRYABLE_STATES,
    SENT_STATES,
    Event,
    IllegalMoveError,
    RowState,
    move,
)


def reachable(start, moves):
    found, new = {start}, [start]
    while new:
        state = new.pop()
        for (before, _), after in moves.items():
            if before is state and after not in found:
                found.add(after)
                new.append(after)
    return found


def test_every_pair_is_a_move_or_refused():
    """Each pair of state and event either is in the table or is refused with both names."""
    for state, event in itertools.product(RowState, Event):
        if (state, event) in MOVES:
            assert move(state, event) is MOVES[state, event]
        else:
            with pytest.raises(IllegalMoveError, match=f"{state.value} cannot be {event.value}"):
                move(state, event)


def test_every_state_and_event_has_a_use():
    """No state is out of reach and no event is without a move."""
    seen = set().union(*(reachable(state, MOVES) for state in FIRST_STATES))
    assert seen == set(RowState)
    assert {event for _, event in MOVES} == set(Event)


def test_doubt_ends_only_by_a_decision():
    """A row in doubt leaves that state by the two decisions and by nothing else."""
    assert {event for state, event in MOVES if state is RowState.IN_DOUBT} == DECISIONS


def test_a_sent_row_is_sent_again_only_after_someone_said_so():
    """From any state of a sent row, pending is reached only by proof that nothing was sent, a decision or a retry."""
    asked = DECISIONS | {Event.RETRIED, Event.NOT_SENT}
    without = {pair: after for pair, after in MOVES.items() if pair[1] not in asked}
    for state in SENT_STATES | {RowState.REFUSED}:
        assert RowState.PENDING not in reachable(state, without)


def test_only_an_intended_row_can_become_launched():
    """No row is launched that was not launching before, or in doubt and decided."""
    ways = {(before, event) for (before, event), after in MOVES.items() if after is RowState.LAUNCHED}
    assert ways == {(RowState.LAUNCHING, Event.ACCEPTED), (RowState.IN_DOUBT, Event.SETTLED_LAUNCHED)}


def test_final_states_are_left_only_by_a_retry():
    """Nothing leaves a final state but a retry, and only failed and refused rows are retried."""
    leaving = {(state, event) for state, event in MOVES if state in FINAL_STATES}
    assert {event for _, event in leaving} == {Event.RETRIED}
    assert {RowState.FAILED, RowState.REFUSED} == RETRYABLE_STATES
