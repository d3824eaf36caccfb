"""`explain` from the shell."""

from __future__ import annotations


def test_a_snippet_on_standard_input_is_explained_line_by_line(shell):
    """A body copied from a guide is explained with its line, the right form and the evidence."""
    ended = shell("explain", stdin='{\n  "flowId": "1",\n  "data": {"customerName": "Jane"}\n}\n')
    assert ended.code == 0
    assert 'wrong[body-field-data] line 3: "data": {"customerName": "Jane"}' in ended.out
    assert 'instead: "Flow.customerName"' in ended.out
    assert "official: official Python SDK 269.0.0, models/flow_execution_launch_request.py" in ended.out


def test_a_file_is_explained_as_json(command, tmp_path):
    """With -o json every finding is a record with rule, line and cure."""
    snippet = tmp_path / "launch.py"
    snippet.write_text('r = requests.post(url + "/flows/executions")\nreturn r.json()["executionId"]\n')
    ended = command("explain", str(snippet), "-o", "json")
    assert [(one["rule"], one["line"]) for one in ended.data] == [("no-timeout", 1), ("response-execution-id", 2)]


def test_the_same_mistake_is_told_once_with_all_its_lines(command, tmp_path):
    """A mistake made on several lines is explained once, and the other lines are named."""
    snippet = tmp_path / "two.py"
    snippet.write_text('x = answer["executionId"]\n\ny = answer["executionId"]\n')
    ended = command("explain", str(snippet))
    assert ended.out.count("response-execution-id") == 1
    assert "(also line 3)" in ended.out


def test_a_text_without_mistakes_says_so(shell):
    """When nothing is known to be wrong, that is said, and the exit code is 0."""
    ended = shell("explain", stdin="all is well\n")
    assert (ended.code, "Nothing here is known to be wrong." in ended.err) == (0, True)


def test_nothing_to_explain_is_a_usage_error(shell):
    """Empty input ends with 2."""
    assert shell("explain", stdin=" \n").code == 2


def test_bytes_that_are_no_text_are_survived(command, tmp_path):
    """A binary file is read as well as it can be."""
    blob = tmp_path / "blob"
    blob.write_bytes(b"\xff\xfe\x00{")
    assert command("explain", str(blob)).code == 0
