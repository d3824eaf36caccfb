"""Writing what a search found as a case file: a starting point, to be read and corrected by the flow's author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.architect import effects as fx
from flowlaunch.architect.codec import json_ready
from flowlaunch.architect.stubs.samples import as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.explore.search import Explored, ExploredRun
    from flowlaunch.architect.explore.world import Chosen
    from flowlaunch.architect.stubs.model import Ending

__all__ = ["stubs_of", "write_cases"]


def write_cases(
    found: Explored, flow_file: str, *, slots: Mapping[str, str] | None = None, lenient: bool = False
) -> str:
    """Write a case for each run that took something new; what came of it is what the case expects."""
    document: dict[str, Any] = {"flow": flow_file}
    document |= {"slots": dict(slots)} if slots else {}
    document |= {"lenient": True} if lenient else {}
    document["cases"] = [_case(found, one, number) for number, one in enumerate(found.runs, 1)]
    head = (
        f"# Cases of {found.flow.name}, found by trying {found.tried:,} runs: "
        f"{found.coverage.percent:.0f} % of its actions and paths.\n"
        "# They say what the flow does today, not what it should do: read each one before you rely on it.\n"
    )
    return head + as_yaml(document)


def _case(found: Explored, one: ExploredRun, number: int) -> dict[str, Any]:
    case: dict[str, Any] = {"name": f"{number}: {_news(found, one)}"}
    inputs = {name: value for name, value in one.inputs.items() if value is not None}
    case |= {"inputs": json_ready(inputs)} if inputs else {}
    stubs = stubs_of(one.chosen)
    case |= {"stubs": stubs} if stubs else {}
    return {**case, "expect": _expect(one)}


def _news(found: Explored, one: ExploredRun) -> str:
    """Name a case after the first new thing that its run took."""
    actions = {(action.ref.flow, action.ref.number): action for action in found.flow.actions()}
    for entry in one.result.trace.entries:
        key = (entry.ref.flow, entry.ref.number, entry.path)
        if key in one.news and entry.path and key[:2] in actions:
            return f"{entry.ref.name} -> {entry.path}"
    return one.result.exit_reason or one.result.status.lower()


def _expect(one: ExploredRun) -> dict[str, Any]:
    result = one.result
    expect: dict[str, Any] = {"status": result.status}
    if result.exit_reason is not None:
        expect["exit_reason"] = result.exit_reason
    if result.error is not None:
        expect["error"] = {"code": result.error.server_code}
    if result.outputs:
        expect["outputs"] = _exactly(result.outputs)
    called = [one.effect for one in one.chosen if isinstance(one.effect, fx.CallDataAction)]
    expect["calls"] = [
        {"action": effect.action} | ({"inputs": _exactly(effect.inputs)} if effect.inputs else {}) for effect in called
    ]
    return expect


def _exactly(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _exact(value) for name, value in json_ready(dict(values)).items()}


def _exact(value: Any) -> Any:
    """Keep an object from being read as operators."""
    return {"is": value} if isinstance(value, dict) else value


def stubs_of(chosen: Iterable[Chosen]) -> dict[str, Any]:
    """Write the answers of a run as stubs: a sequence for each data action, and for each other action by name."""
    data_actions: dict[tuple[str, str], list[dict[str, Any]]] = {}
    actions: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in chosen:
        effect, ending = one.effect, one.ending
        if isinstance(effect, fx.CallDataAction):
            data_actions.setdefault((effect.category, effect.action), []).append(_data_answer(ending))
        else:
            actions.setdefault((effect.ref.key, effect.ref.name), []).append(_answer(ending))
    written: dict[str, Any] = {}
    if data_actions:
        written["data_actions"] = [
            {"category": category, "action": action, **_series(answers)}
            for (category, action), answers in data_actions.items()
        ]
    plain = {names: answers for names, answers in actions.items() if any(one != {"path": "success"} for one in answers)}
    if plain:
        written["actions"] = [{"key": key, "name": name, **_series(answers)} for (key, name), answers in plain.items()]
    return written


def _series(answers: list[dict[str, Any]]) -> dict[str, Any]:
    same = all(answer == answers[0] for answer in answers)
    return answers[0] if same else {"sequence": answers}


def _data_answer(ending: Ending) -> dict[str, Any]:
    if ending.path == "timeout":
        return {"timeout": True}
    if ending.path == "failure":
        return {"failure": _body(ending) or {"errorCode": "failed"}}
    return {"outputs": _body(ending)} if ending.body else {}


def _answer(ending: Ending) -> dict[str, Any]:
    if ending.path == "failure":
        return {"failure": _body(ending) or {"errorType": "failed"}}
    return {"path": ending.path} | ({"outputs": _body(ending)} if ending.body else {})


def _body(ending: Ending) -> Any:
    """Write outputs so that no text in them is read as a template."""
    return _escaped(json_ready(ending.body)) if ending.body is not None else None


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value
