"""Run plans by hand: replies from a list, a clock that only pauses move, everything asked for written down."""

from dataclasses import dataclass, field

from flowlaunch._core.api import Api
from flowlaunch._core.messages import Call, Lost, Request, Response
from flowlaunch._core.pace import Slot
from flowlaunch._core.steps import Bearer, Moment, Now, Once, Pause, PushBack, Reserve, Send, Warn, Withdraw
from flowlaunch._core.tokens import Held
from flowlaunch.contracts import GUIDE, PLATFORM
from flowlaunch.regions import resolve_region

FLOW_ID = "11111111-2222-4333-8444-555555555555"
HOSTS = resolve_region("http://localhost:1")
NEVER_LEFT = Lost(request_left=False, kind="connect", reason="refused")
MAY_HAVE_LEFT = Lost(request_left=True, kind="reset", reason="reset")


def api(**more):
    """Return an Api of the platform's contract at a made-up host."""
    return Api(contract=more.pop("contract", PLATFORM), hosts=HOSTS, **more)


def guide(**more):
    """Return an Api of the guides' contract."""
    return api(contract=GUIDE, **more)


def response(status=200, body=b"{}", **headers):
    """Return an answer; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **named}, body)


def read_call(**more):
    """Return the call that reads an execution."""
    return api(**more).call("executions.get", execution_id="e-1", subject="e-1")


def launch_call(body=b"{}"):
    """Return the call that launches."""
    return api().call("executions.launch", body=body, subject="'Order'")


@dataclass
class Hand:
    """Answers a plan's steps. `replies` are for Send in order; the rest follows from the fields."""

    replies: list
    now_s: float = 0.0
    quota: int = 10**6
    send_s: float = 0.0
    draw: float = 1.0  # where in its range a pause ends
    wake_late_s: float = 0.0
    slots: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    generation: int = 1

    def run(self, plan):
        """Carry `plan` to its end and return its result; errors of the plan come through."""
        reply = None
        while True:
            try:
                step = plan.send(reply)
            except StopIteration as end:
                return end.value
            self.steps.append(step)
            reply = self._answer(step)

    def of(self, kind):
        """Return the steps of one kind."""
        return [step for step in self.steps if isinstance(step, kind)]

    @property
    def sent(self):
        """The requests that were sent."""
        return [step.request for step in self.of(Send)]

    def _answer(self, step):  # noqa: PLR0911 - one line a step
        match step:
            case Now():
                return Moment(self.now_s, 1_800_000_000.0 + self.now_s)
            case Bearer(refused=refused):
                self.generation = max(self.generation, refused + 1)
                return Held(f"token-{self.generation}", self.generation)
            case Reserve():
                return self.slots.pop(0) if self.slots else Slot(self.now_s)
            case Withdraw(cost=cost):
                if self.quota < cost:
                    return False
                self.quota -= cost
                return True
            case Pause(at_least_s=low, up_to_s=high):
                assert 0 <= low <= high, step
                self.now_s += low + (high - low) * self.draw + self.wake_late_s
                return None
            case Send():
                self.now_s += self.send_s
                return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            case Once(make_plan=make):
                return self.run(make())
            case PushBack() | Warn():
                return None
        raise AssertionError(f"unknown step {step}")


__all__ = ["FLOW_ID", "HOSTS", "MAY_HAVE_LEFT", "NEVER_LEFT", "Call", "Hand", "Request", "api", "guide", "response"]
