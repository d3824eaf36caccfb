"""World files, flow folders and state in a file."""

import os
import re
import textwrap
from pathlib import Path

import pytest
import yaml
from sandbox_api import EXECUTIONS, FLOWS, ORDER, Api, flow_text

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox import Options, Sandbox
from flowlaunch.sandbox.control import ACTIONS
from flowlaunch.sandbox.faults import FAULTS
from flowlaunch.sandbox.operations import operation_names
from flowlaunch.sandbox.world_file import build_world
from flowlaunch.sandbox.world_schema import FIELDS

DOCS = Path(__file__).parents[2] / "docs" / "reference"
MODULE = """
commonModule:
  name: Greeter
  division: Home
  defaultLanguage: en-us
  supportedLanguages: {en-us: {none: true}}
  variables:
    - stringVariable: {name: Common.who, initialValue: {noValue: true}, isInput: true, isOutput: false}
    - stringVariable: {name: Common.greeting, initialValue: {noValue: true}, isInput: false, isOutput: true}
  settingsCommonModule: {compatibleFlowTypes: [{flowType: workflow}]}
  startUpTaskActions:
    - updateData:
        name: Greet
        statements:
          - string: {variable: Common.greeting, value: {exp: 'Append("Hi ", Common.who)'}}
    - endTask: {name: End}
"""


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def sign_in(sandbox, stack, client):
    return stack.enter_context(Api(sandbox.url)).sign_in(client)


def test_a_world_file_replaces_the_sections_that_it_has(tmp_path, open_sandbox, stack):
    """Clients, roles, divisions and flows come from the file; other sections stay as built in."""
    write(tmp_path / "mine.yaml", flow_text("Mine"))
    world = write(
        tmp_path / "world.yaml",
        textwrap.dedent("""
            organization: {name: Acme}
            divisions: [{name: Home}, {id: s-1, name: Sales}]
            roles: {sales: ["architect:*"]}
            clients:
              - {id: acme, secret: acme-secret, token_life_s: 300, roles: [{role: sales, divisions: [Sales]}]}
            flows:
              - {file: mine.yaml, id: flow-1, division: Sales, required: [in]}
              - {name: Phone, type: inboundcall}
        """),
    )
    sandbox = open_sandbox(world=world)
    api = sign_in(sandbox, stack, "acme")
    assert api.token("acme").json()["expires_in"] == 300
    assert api.token("demo").status_code == 400
    assert [flow["name"] for flow in api.get("/api/v2/flows").json()["entities"]] == ["Mine"]
    assert api.get("/api/v2/flows/flow-1").json()["inputSchema"]["required"] == ["Flow.in"]
    assert api.get("/api/v2/tokens/me").json()["organization"]["name"] == "Acme"
    assert api.run("flow-1", {"Flow.in": "x"})["outputData"] == {"Flow.out": "one x"}
    assert "Demo CRM" in api.control("GET", "world").text


def test_several_versions_can_be_given(tmp_path, open_sandbox, connect):
    """`versions` lists files from the oldest to the published one."""
    write(tmp_path / "1.yaml", flow_text("Mine", "old"))
    write(tmp_path / "2.yaml", flow_text("Mine", "new"))
    world = write(tmp_path / "world.yaml", "flows: [{id: f, versions: [1.yaml, 2.yaml]}]")
    api = connect(open_sandbox(world=world))
    assert [version["id"] for version in api.get("/api/v2/flows/f/versions").json()["entities"]] == ["2.0", "1.0"]
    assert api.run("f", {"Flow.in": ""})["outputData"]["Flow.out"].startswith("new")
    assert api.run("f", {"Flow.in": ""}, flowVersion="1")["outputData"]["Flow.out"].startswith("old")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("clints: []", "clints"),
        ("clients: [{secret: x}]", "`id`"),
        ("clients: [{id: a, roles: [emperor]}]", "emperor"),
        ("clients: [{id: a, roles: [{role: everything, divisions: [Moon]}]}]", "Moon"),
        ("clients: [{id: a, grants: [PASSWORD]}]", "PASSWORD"),
        ("clients: [{id: a, sekret: x}]", "sekret"),
        ("clients: {id: a}", "`clients` of a world must be a list"),
        ("clients: [{id: a, token_life_s: soon}]", "`token_life_s` of a client must be a whole number"),
        ("clients: [{id: a, roles: everything}]", "`roles` of a client must be a list"),
        ("clients: [demo]", "named fields"),
        ("flows: [{name: x, published: maybe}]", "true or false"),
        ("flows: [{name: x, start_event: sudden}]", "sudden"),
        ("data_actions: [{category: c, action: a, delay_s: long}]", "a number"),
        ("tables: [1]", "`tables` of a world must be a mapping"),
        ("conversations: [conv-1]", "named fields"),
        ("queues: [[1]]", "queue"),
        ("schedules: 3", "a mapping"),
        ("language: {rules: {sky: blue}}", "`sky`"),
        ("language: {dialect: {half: most}}", "half"),
        ("flows: [{file: none.yaml}]", "none.yaml"),
        ("flows: [{file: broken.yaml}]", "broken.yaml"),
        ("flows: [{name: x, type: dance}]", "dance"),
        ("flows: [{id: x}]", "`name`"),
        ("data_actions: [{inputs: {a: 1}}]", "neither `action` nor `category`"),
        ("data_actions: [{category: c, action: a, outputs: {x: 1}, timeout: true}]", "outputs and timeout"),
        ("tables: {T: []}", "`T`"),
        ("tables: {T: {key: id, rows: [{name: x}]}}", "`id`"),
        ("divisions: []", "one division"),
        ("- just\n- a list", "list"),
        ("a: [", "not YAML"),
    ],
)
def test_mistakes_in_a_world_file_are_named(tmp_path, text, named):
    """A mistake in a world file stops the sandbox at once and is named."""
    write(tmp_path / "broken.yaml", "workflow: {name: x}")
    with pytest.raises(SandboxError) as caught:
        build_world(write(tmp_path / "world.yaml", text), 0.0)
    assert named in str(caught.value)


def test_a_misspelt_section_gets_a_suggestion():
    """The error for an unknown field proposes the near one."""
    with pytest.raises(SandboxError) as caught:
        build_world({"clints": []}, 0.0)
    assert "`clients`" in (caught.value.hint or "")


def test_flows_can_ask_for_everything_in_the_world(tmp_path, open_sandbox, connect):
    """Tables, queues, users, contacts, conversations, modules, notifications and slots come from the world."""
    write(tmp_path / "module.yaml", MODULE)
    write(tmp_path / "flow.yaml", (Path(__file__).parent / "everything.yaml").read_text("utf-8"))
    world = {
        "slots": {"table": "Prices"},
        "tables": {"Prices": {"key": "item", "rows": [{"item": "tea", "price": 3}]}},
        "queues": ["Orders"],
        "contacts": [{"id": "ec-1", "name": "Jane"}],
        "conversations": [{"id": "conv-1", "participant": "p-1", "attributes": {"colour": "red"}}],
    }
    sandbox = open_sandbox(flows=tmp_path, world=world)
    api = connect(sandbox)
    flow = next(flow for flow in api.control("GET", "world").json()["flows"] if flow["name"] == "Everything")
    assert flow["missing"] == []
    run = api.run(flow["id"], {"Flow.item": "tea"})
    assert run["status"] == "COMPLETED", run
    assert run["outputData"] == {
        "Flow.price": 3, "Flow.queueName": "Orders", "Flow.greeting": "Hi tea", "Flow.colour": "red",
    }  # fmt: skip
    assert api.run(flow["id"], {"Flow.item": "coffee"})["outputData"]["Flow.price"] == 0
    assert [mail["subject"] for mail in api.control("GET", "world").json()["outbox"]] == ["tea", "coffee"]


@pytest.mark.parametrize(("language", "status"), [({}, "COMPLETED"), ({"rules": {"state_end": "fail"}}, "FAILED")])
def test_guesses_of_the_flow_language_are_switched_in_the_world(open_sandbox, connect, language, status):
    """The world's `language` section switches how runs decide what nothing public settles."""
    sandbox = open_sandbox(world={"language": language})
    text = flow_text().replace("          - endWorkflow: {name: End, exitReason: {noValue: true}}\n", "")
    assert connect(sandbox).run(sandbox.upload_flow(text), {"Flow.in": "x"})["status"] == status


def test_a_dialect_is_chosen_in_the_world(open_sandbox, connect):
    """The world's dialect decides how expressions compute."""
    sandbox = open_sandbox(world={"language": {"dialect": {"half": "even"}}})
    text = flow_text().replace("""Append("one ", Flow.in)""", """ToString(Round(2.5))""")
    assert connect(sandbox).run(sandbox.upload_flow(text), {})["outputData"]["Flow.out"].startswith("2")


def test_a_missing_table_fails_the_run_by_name(tmp_path, open_sandbox, connect):
    """A data table that the world lacks is never taken for an empty one."""
    write(tmp_path / "flow.yaml", (Path(__file__).parent / "everything.yaml").read_text("utf-8"))
    sandbox = open_sandbox(flows=tmp_path, world={"slots": {"table": "Prices"}})
    flow = next(f for f in connect(sandbox).control("GET", "world").json()["flows"] if f["name"] == "Everything")
    assert "table / Prices" in flow["missing"]
    run = connect(sandbox).run(flow["id"], {"Flow.item": "tea"})
    assert "no data table 'Prices'" in run["flowErrorInfo"]["message"]


def test_a_folder_of_flows_follows_its_files(tmp_path, open_sandbox, connect):
    """A new file is a flow, a new content a new version, a removed file a deleted flow."""
    path = write(tmp_path / "a.yaml", flow_text("In folder"))
    api = connect(open_sandbox(flows=tmp_path))
    find = lambda: api.get("/api/v2/flows", name="In folder").json()["entities"]  # noqa: E731
    flow_id = find()[0]["id"]
    assert api.run(flow_id, {"Flow.in": "x"})["outputData"] == {"Flow.out": "one x"}
    write(path, flow_text("In folder", "second"))
    assert api.run(flow_id, {"Flow.in": "x"})["outputData"] == {"Flow.out": "second x"}
    assert find()[0]["publishedVersion"]["id"] == "2.0"
    os.utime(path, (1, 1))
    assert find()[0]["publishedVersion"]["id"] == "2.0"
    path.unlink()
    assert find() == []
    assert api.launch(flow_id, {}).status_code == 410


def test_a_broken_file_keeps_the_previous_version_and_shows_its_error(tmp_path, open_sandbox, connect):
    """When a file no longer loads, launches go on with the last good version and the error is shown."""
    path = write(tmp_path / "a.yaml", flow_text("In folder"))
    api = connect(open_sandbox(flows=tmp_path))
    flow_id = api.get("/api/v2/flows", name="In folder").json()["entities"][0]["id"]
    write(path, flow_text("In folder").replace("Append", "Appendd"))
    assert api.run(flow_id, {"Flow.in": "x"})["outputData"] == {"Flow.out": "one x"}
    assert "Appendd" in api.control("GET", "world").json()["folderProblems"]["a.yaml"]
    assert "a.yaml:" in api.get(f"/api/v2/flows/{flow_id}").json()["x-sandbox-problem"]
    write(path, flow_text("In folder", "mended"))
    assert api.control("GET", "world").json()["folderProblems"] == {}
    assert api.run(flow_id, {"Flow.in": "x"})["outputData"] == {"Flow.out": "mended x"}


def test_a_file_that_never_loaded_fails_the_launch_by_name(tmp_path, open_sandbox, connect):
    """What the sandbox cannot load fails the launch, with the loader's own message."""
    write(tmp_path / "bad.yaml", flow_text("Bad").replace("updateData", "dance"))
    sandbox = open_sandbox(flows=tmp_path)
    api = connect(sandbox)
    flow = api.get("/api/v2/flows", name="bad").json()["entities"][0]
    assert (flow["active"], "publishedVersion" in flow) == (False, False)
    answer = api.launch(flow["id"], {})
    assert (answer.status_code, answer.json()["code"]) == (400, "sandbox.flow.not.loaded")
    assert "dance" in answer.json()["message"]
    assert sandbox.launches() == []


def test_a_renamed_flow_in_a_file_replaces_the_old_one(tmp_path, open_sandbox, connect):
    """When the flow in a file gets another name, the old name is gone."""
    path = write(tmp_path / "a.yaml", flow_text("Old name"))
    api = connect(open_sandbox(flows=tmp_path))
    write(path, flow_text("New name"))
    found = [flow["name"] for flow in api.get("/api/v2/flows", name="*name").json()["entities"]]
    assert found == ["New name"]


def test_a_missing_folder_is_refused(tmp_path):
    """A folder that does not exist is an error, not an empty world."""
    with pytest.raises(SandboxError, match="does not exist"), Sandbox(flows=tmp_path / "none"):
        pass


def test_state_in_a_file_lives_through_a_restart(tmp_path, connect):
    """Tokens, executions, uploads and waiting runs are there again after a restart; ids never repeat."""
    db = tmp_path / "sandbox.db"
    with Sandbox(db=db, clock="frozen") as sandbox:
        api = connect(sandbox)
        token = api.session.headers["Authorization"]
        done = api.run(name="first")
        flow_id = sandbox.upload_flow(flow_text())
        uploaded = api.run(flow_id, {"Flow.in": "x"})
        waiting = api.launch("reminder", {"Flow.waitSeconds": 3_600}).json()
    with Sandbox(db=db, clock="frozen") as sandbox:
        api = connect(sandbox, None)
        api.session.headers["Authorization"] = token
        again = api.get(f"{EXECUTIONS}/{done['id']}").json()
        assert all(again[part] == done[part] for part in ("name", "status", "dateLaunched", "outputData"))
        assert api.get(f"{EXECUTIONS}/{uploaded['id']}").json()["outputData"] == {"Flow.out": "one x"}
        assert api.get(waiting["selfUri"]).json()["status"] == "RUNNING"
        assert sandbox.launches()[0].inputs == ORDER
        assert api.launch().json()["id"] not in {done["id"], uploaded["id"], waiting["id"]}
        sandbox.advance(3 * 3_600)
        assert api.get(waiting["selfUri"]).json()["outputData"] == {"Flow.remindersSent": 3}
        sandbox.revoke_tokens()
    with Sandbox(db=db) as sandbox:
        api = connect(sandbox, None)
        api.session.headers["Authorization"] = token
        assert api.get("/api/v2/flows").status_code == 401
        assert len(sandbox.launches()) == 4
        kept = sandbox.snapshot()
        connect(sandbox).launch()
        sandbox.restore(kept)
        assert len(sandbox.launches()) == 4
    with Sandbox(db=db) as sandbox:
        assert len(sandbox.launches()) == 4
        sandbox.reset()
    with Sandbox(db=db) as sandbox:
        assert sandbox.launches() == []


def test_a_file_that_is_no_database_is_refused(tmp_path):
    """--db on some other file is a SandboxError, and the file stays as it was."""
    path = write(tmp_path / "notes.txt", "not a database, but long enough to be taken for one" * 20)
    before = path.read_bytes()
    with pytest.raises(SandboxError, match=r"notes\.txt"), Sandbox(db=path):
        pass
    assert path.read_bytes() == before


def test_the_built_in_world_is_a_world_file_of_its_own():
    """The shipped world has the ids that the documentation promises."""
    world = build_world(None, 0.0)
    assert set(world.flows) == set(FLOWS.values())
    names = [flow.name for flow in world.flows.values()]
    assert names.count("Callback request") == 2
    assert world.clients["demo"].secret == "demo-secret"


def test_the_documented_world_file_can_be_used():
    """The world file shown in the reference page builds."""
    text = (DOCS / "sandbox.md").read_text("utf-8")
    shown = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    document = yaml.safe_load(shown)
    document.pop("flows")
    assert build_world(document, 0.0).clients["crm-sync"].token_life_s == 3600


def test_everything_that_can_be_set_or_asked_is_documented():
    """Each option, operation, fault, control path and sandbox code stands in the reference pages."""
    pages = (DOCS / "sandbox.md").read_text("utf-8") + (DOCS / "sandbox-fidelity.md").read_text("utf-8")
    names = [
        *Options.names(),
        *operation_names(),
        *FAULTS,
        *(path for path, _, _ in ACTIONS),
        *FIELDS["world"],
        *FIELDS["client"],
        *FIELDS["flow"],
    ]
    assert [name for name in names if name not in pages] == []


def test_each_guess_names_a_switch_that_exists():
    """Every option that the fidelity page gives as a switch is an option of the sandbox."""
    page = (DOCS / "sandbox-fidelity.md").read_text("utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ") and line.count("|") == 4]
    switches = {name for row in rows for name in re.findall(r"`([a-z_]+)(?:=[^`]*)?`", row[3])}
    assert "name_filter" in switches
    assert switches - {"exact", "contains", "wildcard"} <= set(Options.names())
