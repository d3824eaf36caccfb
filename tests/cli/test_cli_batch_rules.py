"""The rules of a batch from the command line: lists, addresses, states, and what they rest on."""

from __future__ import annotations

import csv
import json

import pytest
from batch_files import FAST, FLOW, launched_orders

PEOPLE = """orderId,customerName,mobile,mail,state
1,Ada,+13055551234,ada@example.com,US-FL
2,Ben,+13055551235,ben@example.com,US-FL
3,Cleo,+13055551236,cleo@example.com,US-FL
4,Dan,+13055551237,dan@example.com,US-FL
"""


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return file


def listed(folder, text, name="stop.csv"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def plan(at_sandbox, people, *more):
    return at_sandbox("batch", "plan", str(people), "--flow", FLOW, "--key", "orderId", *more, "-o", "json").data


def skipped(found):
    return sorted(int(one["line"]) - 1 for one in found["rejects"] if one["decision"]["reason"] == "do-not-contact")


def test_columns_of_a_list_hold_what_they_are_said_to(at_sandbox, people, tmp_path):
    """--dnc-column picks the columns of a list that count, each as its kind; all other columns are remarks."""
    stop = listed(tmp_path, "who,call_back,client\n+13055551234,+13055551235,3\nnobody,,\n")
    arguments = ("--phone", "mobile", "--dnc", stop)
    by_column = ("--dnc-column", "who=phone", "--dnc-column", "client=cell:orderId")

    assert skipped(plan(at_sandbox, people, *arguments)) == [1, 2]
    assert skipped(plan(at_sandbox, people, *arguments, *by_column)) == [1, 3]


def test_addresses_of_rows_are_compared_with_a_list(at_sandbox, people, tmp_path):
    """--email names the column whose addresses a do-not-contact file is compared with."""
    stop = listed(tmp_path, "ADA@example.com\ndan@example.com\n", "stop.txt")

    assert skipped(plan(at_sandbox, people, "--email", "mail", "--dnc", stop)) == [1, 4]


def test_entries_that_compare_with_nothing_are_told(at_sandbox, sandbox, people, tmp_path):
    """Plan and run warn about entries of a list that no row can be compared with, with their lines."""
    stop = listed(tmp_path, "phone,mail\n+13055551234,\nno number,\n,\n")
    arguments = (str(people), "--flow", FLOW, "--key", "orderId", "--phone", "mobile", "--email", "mail", "--dnc", stop)

    planned = at_sandbox("batch", "plan", *arguments)
    run = at_sandbox("batch", "run", *arguments, *FAST)

    for told in (planned.out, run.err):
        assert "hold nothing that a row can be compared with" in told
        assert "no number" in told
    assert launched_orders(sandbox) == [2, 3, 4]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--dnc", "LIST", "--dnc-column", "phone"), "COLUMN=phone"),
        (("--dnc", "LIST", "--dnc-column", "phone=fax"), "COLUMN=phone"),
        (("--dnc", "LIST", "--dnc-column", "cell=phone"), "no do-not-contact file has a column 'cell'"),
        (("--dnc-column", "phone=phone"), "there is no --dnc file"),
    ],
)
def test_a_column_that_is_none_is_refused(at_sandbox, people, tmp_path, options, part):
    """A kind or a column that does not exist is a usage error that says what to write."""
    stop = listed(tmp_path, "phone,mail\n+13055551234,\n")
    given = [stop if option == "LIST" else option for option in options]

    ended = at_sandbox("batch", "plan", str(people), "--flow", FLOW, "--phone", "mobile", *given)

    assert ended.code == 2
    assert part in ended.err


def test_a_plan_says_what_the_regional_rules_rest_on(at_sandbox, people):
    """With regional rules a plan names the tables that hold for its rows, how sure each is, and that it is no law."""
    arguments = (str(people), "--flow", FLOW, "--phone", "mobile", "--regional-rules", "--state-column", "state")

    told = at_sandbox("batch", "plan", *arguments).err
    record = json.loads(at_sandbox("batch", "plan", *arguments, "-o", "json").out)

    assert "Florida (official): Florida Statutes 501.616(6)(a)" in told
    assert "Not legal advice" in told
    assert "France" not in told
    assert record["regional_rules"][1].startswith("United States: Not legal advice")


def test_a_country_has_two_names_of_its_option(at_sandbox, tmp_path):
    """--region-default means the same as --country: where numbers without a + belong."""
    file = tmp_path / "people.csv"
    file.write_text("orderId,customerName,mobile\n1,Ada,030 123456\n", encoding="utf-8")
    stop = listed(tmp_path, "+49 30 123456\n", "stop.txt")

    for option in ("--country", "--region-default"):
        arguments = (str(file), "--flow", FLOW, "--phone", "mobile", "--dnc", stop, option, "de", "-o", "json")
        assert json.loads(at_sandbox("batch", "plan", *arguments).out)["counts"] == {"skip": 1}


def test_every_decision_is_explained_row_by_row(at_sandbox, people, tmp_path):
    """--decisions writes a line for each row of the source: what becomes of it, by which rule, and why."""
    file = tmp_path / "decisions.csv"
    stop = listed(tmp_path, "+13055551235\n", "stop.txt")
    people.write_text(PEOPLE + "1,Eve,+13055551239,eve@example.com,US-FL\n5,ragged\n6,Fay,none,,US-FL\n", "utf-8")

    at_sandbox("batch", "plan", str(people), "--flow", FLOW, "--key", "orderId", "--phone", "mobile", "--dnc", stop,
               "--limit", "2", "--decisions", str(file))  # fmt: skip

    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [(row["row"], row["decision"], row["reason"]) for row in rows] == [
        ("1", "launch", "ready"), ("2", "skip", "do-not-contact"), ("3", "launch", "ready"),
        ("4", "skip", "over-limit"),
        ("5", "skip", "duplicate-in-file"), ("6", "reject", "ragged-row"), ("7", "hold", "unknown-number"),
    ]  # fmt: skip
    assert "+13055551235" in rows[1]["message"]
    assert "line 2" in rows[4]["message"]
    assert all(row["message"] for row in rows)
