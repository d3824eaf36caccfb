from __future__ import annotations

import pytest

from flowlaunch.batch.decisions import WARNINGS
from flowlaunch.batch.rows import ReadOptions, open_rows


def warnings_of(tmp_path, name, values):
    path = tmp_path / "rows.csv"
    path.write_text(f"{name},note\n" + "".join(f"{value},x\n" for value in values), encoding="utf-8")
    with open_rows(path, ReadOptions(separator=",")) as source:
        cells = [row.cells[name] for row in source]
        assert cells == [str(value) for value in values], "a detector changes nothing"
        return {one.reason: one for one in source.warnings()}


@pytest.mark.parametrize(
    ("reason", "name", "values", "lines"),
    [
        ("lost-zero", "zip", ["02139", "2140", "10115", "80331", "50667"], (3,)),
        ("lost-zero", "zip", ["10115", "80331", "50667", "2139", "99999", "12345", "54321"], (5,)),
        ("lost-zero", "phone", ["030123456", "0401234567", "08912345678", "30123457", "0211123456"], (5,)),
        ("lost-plus", "phone", ["+4930123456", "+4930123457", "4930123458", "+4930123459"], (4,)),
        ("exponent", "account", ["4.4E+11", "440000000001"], (2,)),
        ("exponent", "anything", ["a", "4.9301e+11"], (3,)),
        ("trailing-dot-zero", "customer_id", ["4711", "4712.0"], (3,)),
        ("date-for-id", "part_no", ["17", "1-Mar", "18", "19"], (3,)),
        ("date-for-id", "case", ["4711", "4712", "2026-03-01", "4713"], (4,)),
        ("cell-error", "name", ["Anna", "#N/A", "#REF!"], (3, 4)),
        ("hashes", "when", ["#####", "2026-01-01"], (2,)),
    ],
)
def test_damage_is_found_with_its_lines(tmp_path, reason, name, values, lines):
    """Each kind of damage is warned about with the lines that have it."""
    found = warnings_of(tmp_path, name, values)
    assert reason in found
    assert found[reason].lines == lines
    assert found[reason].column == name
    assert reason in WARNINGS


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("amount", ["1.0", "250.0", "7.5"]),
        ("birthday", ["2026-01-01", "2026-02-01", "2026-03-01"]),
        ("count", [str(number) for number in range(500)]),
        ("id", [str(number) for number in range(1, 5_000)]),
        ("phone", ["+4930123456", "+4940123456", "+4989123456"]),
        ("city", ["Köln", "Bonn", "Paderborn"]),
        ("plz", ["10115", "80331", "01067"]),
    ],
)
def test_sound_columns_are_not_accused(tmp_path, name, values):
    """Prices, birthdays, counters and whole phone numbers are no damage."""
    assert warnings_of(tmp_path, name, values) == {}


def test_damage_far_into_a_long_file_is_counted(tmp_path):
    """Damage in row 9,000 is found, and a count says how often it occurs."""
    values = ["0" + str(number) for number in range(10_000_000, 10_009_000)]
    values += [str(number) for number in range(10_009_000, 10_009_040)]
    found = warnings_of(tmp_path, "customer", values)
    assert found["lost-zero"].count == 40
    assert found["lost-zero"].line == 9_002
    assert "and 35 more" in found["lost-zero"].message
