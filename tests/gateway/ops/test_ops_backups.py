"""Backups and upkeep by hand: copies that are whole, few and private; a file made small again."""

import json
import subprocess
import sys

import pytest
from ops_world import DAY_S, accept, finish, left, route_batch

from child_processes import ChildProcess
from flowlaunch.batch.ledger import backup, open_ledger
from flowlaunch.cli.app import run
from flowlaunch.errors import LedgerError, SettingsError
from flowlaunch.gateway.ops.backups import Backups
from flowlaunch.gateway.ops.instruments import Instruments
from flowlaunch.gateway.ops.options import BackupOptions, OpsOptions, Retention
from flowlaunch.gateway.ops.upkeep import Upkeep


@pytest.fixture
def old_launches(ledger, clock):
    """A ledger with launches that are over for 40 days; return its batch."""
    batch_id = route_batch(ledger)
    accept(ledger, batch_id, 50)
    finish(ledger, batch_id, clock)
    clock.advance(40 * DAY_S)
    return batch_id


def test_a_copy_is_a_ledger_and_the_newest_are_kept(ledger, clock, old_launches, tmp_path):
    """Copies are whole, readable by nobody else, named by their time, and only so many of them stay."""
    backups = Backups(ledger, BackupOptions(folder=tmp_path / "copies", every_hours=24, keep=2))
    assert backups.next_due_us() == 0
    made = []
    for _ in range(3):
        made.append(backups.make())
        assert backups.next_due_us() - clock.now_us == pytest.approx(24 * 3600e6, abs=1e6)
        clock.advance(25 * 3600)

    assert sorted((tmp_path / "copies").iterdir()) == made[1:]
    assert made[1].stat().st_mode & 0o077 == 0
    with open_ledger(made[2], create=False) as copy:
        assert left(copy) == left(ledger)


def test_a_damaged_copy_is_not_kept(ledger, tmp_path, monkeypatch):
    """A copy that does not read through is an error and leaves nothing behind that looks like a backup."""
    backups = Backups(ledger, BackupOptions(folder=tmp_path / "copies"))
    copy = type(ledger).backup

    def broken(self, to):
        copy(self, to)
        with to.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 40_000)
        return to

    monkeypatch.setattr(type(ledger), "backup", broken)

    with pytest.raises(LedgerError, match="damaged"):
        backups.make()
    assert list((tmp_path / "copies").iterdir()) == []


def test_the_ledgers_own_folder_is_refused(ledger, tmp_path):
    """A copy beside the ledger would count as a second ledger, so another folder is asked for."""
    with pytest.raises(SettingsError, match="own folder"):
        Backups(ledger, BackupOptions(folder=tmp_path))


def test_upkeep_prunes_and_copies_and_tells(ledger, clock, old_launches, tmp_path, caplog):
    """One turn of the upkeep removes what is old and makes the copy that is due, once; both are told."""
    instruments = Instruments()
    options = OpsOptions(retention=Retention(launches=30), backups=BackupOptions(folder=tmp_path / "copies"))
    upkeep = Upkeep(ledger, options, instruments)
    caplog.set_level("INFO", "flowlaunch")

    upkeep.prune()
    for _ in range(2):
        upkeep.back_up(upkeep._backups)

    assert left(ledger)["gateway_launches"] == 0
    assert len(list((tmp_path / "copies").iterdir())) == 1
    assert "50 launches" in caplog.text
    assert instruments.backed_up_at_s == pytest.approx(clock.unix_s)
    assert ("", {"what": "launches"}, 50.0) in list(instruments.removed.samples())


def test_a_backup_that_fails_is_counted_and_harms_nobody(ledger, tmp_path, caplog):
    """Where no copy can be made the upkeep says so and goes on."""
    (tmp_path / "file").write_text("", "utf-8")
    instruments = Instruments()
    upkeep = Upkeep(ledger, OpsOptions(backups=BackupOptions(folder=tmp_path / "file" / "copies")), instruments)

    upkeep.back_up(upkeep._backups)

    assert next(iter(instruments.backup_failures.samples()))[2] == 1
    assert "was not backed up" in caplog.text


def command(capsys, *words):
    """Run a command; return its exit code and what it printed as JSON."""
    code = run(["gateway", *words, "-o", "json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else err


def test_upkeep_by_hand(ledger, clock, tmp_path, capsys):
    """`gateway prune`, `vacuum` and `backup` remove what is old, shrink the file and copy it, on a ledger in use."""
    clock.jump(1_600_000_000 - clock.unix_s)  # the commands go by the system's clock
    batch_id = route_batch(ledger)
    accept(ledger, batch_id, 2_000)
    finish(ledger, batch_id, clock)
    place, days = ["--ledger", str(ledger.store.path)], ["--keep-launches", "30"]

    assert command(capsys, "prune", *days, "--dry-run", *place)[1][0] == {"what": "launches", "old": 2_000}
    code, removed = command(capsys, "prune", *days, *place)
    assert (code, removed[0]) == (0, {"what": "launches", "removed": 2_000})
    code, (sizes,) = command(capsys, "vacuum", *place)
    assert code == 0
    assert sizes["after_bytes"] < sizes["before_bytes"] / 4
    code, (made,) = command(capsys, "backup", str(tmp_path / "copies.ledger"), *place)
    assert code == 0
    backup.check(tmp_path / "copies.ledger")
    assert made["size_bytes"] == sizes["after_bytes"]
    code, told = command(capsys, "backup", str(tmp_path / "copies.ledger"), *place)
    assert code == 1
    assert "exists" in told


def test_vacuum_waits_for_no_gateway_to_lose_its_turn(ledger, tmp_path, capsys):
    """A ledger that a process works on is not rewritten under it unless that is asked for."""
    batch_id = route_batch(ledger)
    program = f"""
import sys
from flowlaunch.batch.ledger import backup, open_ledger
ledger = open_ledger({str(ledger.store.path)!r})
ledger.start_work({batch_id})
print("works", flush=True)
sys.stdin.read()
"""
    with ChildProcess(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as working:
        assert working.stdout.readline() == "works\n"
        place = ["--ledger", str(ledger.store.path)]
        code, told = command(capsys, "vacuum", *place)
        anyway, _sizes = command(capsys, "vacuum", "--anyway", *place)
        working.communicate("")

    assert code == 1
    assert f"process {working.pid} works on batch {batch_id}" in told
    assert anyway == 0


@pytest.mark.parametrize("days", ["0", "-1", "soon", "1e9"])
def test_odd_numbers_of_days_are_refused(capsys, days):
    """What is no number of days is a usage error before anything is opened."""
    assert run(["gateway", "prune", "--keep-launches", days, "--ledger", "/nowhere/x"]) == 2
    assert "forever" in capsys.readouterr().err
