"""A container comes back to a node that keeps an old copy of it: room for the new one, and nothing lost of the old."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.gate.rig import Gate

LATER = 9_999_999_999


def _leave(gate: Gate, migration: int, *, until: int = 1) -> None:
    """Let container 101 leave this node with a migration, as its last step does."""
    assert gate.do(f"101 1 fence {migration} {until}").rc == 0


def _arrive(gate: Gate, migration: int, data: str) -> None:
    """Let it come back with another one, up to the copy being the container."""
    assert gate.do(f"101 1 reserve {migration}").rc == 0
    config = b'HOSTNAME="ct101.example.net"\nNAME="shop"\n'
    assert gate.job(f"m{migration}-define-a1", f"101 1 define {migration}", stdin=config)[0] == "done 0"
    (gate.root / "private/101/data").write_text(data)
    assert gate.do(f"101 1 accept_incoming {migration}").rc == 0


def _retire(gate: Gate, migration: int) -> int:
    return gate.do(f"101 1 retire {migration} {int(time.time())}").rc


def _areas(gate: Gate) -> dict[str, str]:
    """Return what each private area here holds, once nothing is being deleted any more."""
    deadline = time.monotonic() + 5
    while list(gate.root.glob("private/*.ovz-trash-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return {path.name: (path / "data").read_text() for path in gate.root.glob("private/*")}


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def kept(gate: Gate) -> Gate:
    """A node that container 101 has left with migration 7."""
    area = gate.container(101)
    (area / "data").write_text("old\n")
    (gate.conf / "101.start").write_text("# of the old copy\n")
    (gate.root / "vz/names/shop").symlink_to(gate.conf / "101.conf")
    (gate.root / "mnt/101").mkdir()
    _leave(gate, 7)
    return gate


def test_reserving_sets_the_old_copy_aside_whole(kept: Gate) -> None:
    assert kept.do("101 1 reserve 8").rc == 0
    assert _areas(kept) == {"101.ovz-m7": "old\n"}
    assert _files(kept.conf) == {"101.conf.ovz-m7", "101.start.ovz-m7"}
    assert not list(kept.root.glob("mnt/*"))
    assert not list(kept.root.glob("vz/names/*"))
    assert "retained" not in kept.ask("fence_state,101").out
    assert kept.ask("work,7").out.splitlines()[-1] == "mark retained/101.m7"


def test_the_quota_file_of_the_old_area_does_not_count_for_the_new_one(kept: Gate) -> None:
    kept.tool("vzquota")
    kept.do("101 1 reserve 8")
    assert "vzquota drop 101" in kept.calls


def test_what_vzmigrate_left_is_set_aside_too(gate: Gate) -> None:
    gate.container(101)
    (gate.conf / "101.conf").rename(gate.conf / "101.conf.migrated")
    _leave(gate, 7)
    assert gate.do("101 1 reserve 8").rc == 0
    assert _files(gate.conf) == {"101.conf.ovz-m7"}
    assert gate.ask("ct_leftovers,101").out.split()[::2] == ["conf.ovz-m7", "incoming"]


def test_going_back_clears_what_arrived_and_keeps_what_was_set_aside(kept: Gate) -> None:
    kept.do("101 1 reserve 8")
    kept.job("m8-define-a1", "101 1 define 8", stdin=b'HOSTNAME="ct101"\n')
    (kept.root / "private/101/data").write_text("arrived\n")
    assert kept.do("101 1 clear_incoming 8").rc == 0
    assert _areas(kept) == {"101.ovz-m7": "old\n"}
    assert kept.do("101 1 reserve 9").rc == 0
    assert _retire(kept, 7) == 0
    assert _areas(kept) == {}


def test_every_copy_of_several_returns_goes_by_its_own_migration(kept: Gate) -> None:
    for round_trip, (there, back) in enumerate([(8, 9), (10, 11)]):
        _arrive(kept, there, f"return {round_trip}\n")
        _leave(kept, back)
    _arrive(kept, 12, "alive\n")
    (kept.root / "ctl/101").write_text("running\n")
    assert _areas(kept) == {
        "101": "alive\n",
        "101.ovz-m7": "old\n",
        "101.ovz-m9": "return 0\n",
        "101.ovz-m11": "return 1\n",
    }
    assert [_retire(kept, migration) for migration in (9, 9, 7, 11)] == [0, 0, 0, 0]
    assert _areas(kept) == {"101": "alive\n"}
    assert _files(kept.conf) == {"101.conf"}
    assert not any(call.startswith("vzctl stop") for call in kept.calls)


def test_retiring_what_was_set_aside_leaves_the_next_old_copy_in_its_place(kept: Gate) -> None:
    _arrive(kept, 8, "newer\n")
    _leave(kept, 9)
    assert _retire(kept, 7) == 0
    assert _areas(kept) == {"101": "newer\n"}
    assert _retire(kept, 9) == 0
    assert _areas(kept) == {}
    assert not _files(kept.conf)


def test_a_copy_that_was_set_aside_is_kept_as_long_as_agreed(gate: Gate) -> None:
    gate.container(101)
    release = int(time.time()) + 3600
    _leave(gate, 7, until=release)
    _arrive(gate, 8, "alive\n")
    for now in (1, release, LATER):
        refusal = gate.do(f"101 1 retire 7 {now}")
        assert (refusal.rc, refusal.err) == (1, f"the old copy of 101 is kept until {release}\n")
    assert (gate.root / "private/101.ovz-m7/data").exists()


def test_a_copy_that_somebody_uses_is_not_deleted(kept: Gate) -> None:
    """The old data were needed: another container was given them by hand."""
    kept.do("101 1 reserve 8")
    (kept.conf / "501.conf").write_text(f'VE_PRIVATE="{kept.root}/private/101.ovz-m7"\n')
    refusal = kept.do("101 1 retire 7 9999999999")
    assert refusal.rc == 9
    assert "501.conf" in refusal.err
    (kept.conf / "501.conf").write_text(f'VE_PRIVATE="{kept.root}/private/101.ovz-m77"\n')
    assert _retire(kept, 7) == 0


def test_a_copy_that_was_set_aside_is_not_put_back_over_what_may_live_there(kept: Gate) -> None:
    _arrive(kept, 8, "alive\n")
    assert kept.do("101 1 unfence 7").rc == 9
    assert _areas(kept) == {"101": "alive\n", "101.ovz-m7": "old\n"}


@pytest.mark.parametrize("trouble", ["configuration", "running", "mounted", "link", "fencing"])
def test_it_sets_nothing_aside_that_is_not_plainly_an_old_copy(kept: Gate, trouble: str) -> None:
    area, elsewhere = kept.root / "private/101", kept.root / "elsewhere"
    match trouble:
        case "configuration":
            (kept.conf / "101.conf").write_text('HOSTNAME="back by hand"\n')
        case "running" | "mounted":
            kept.tool("vzctl", f'echo "CTID 101 exist mounted {"running" if trouble == "running" else "down"}"\n')
        case "link":
            area.rename(elsewhere)
            area.symlink_to(elsewhere)
        case _:
            record = kept.state / "retained/101"
            record.write_text(record.read_text().replace("state=kept", "state=fencing"))
    before = _files(kept.root / "private"), _files(kept.conf)
    assert kept.do("101 1 reserve 8").rc != 0
    assert (_files(kept.root / "private"), _files(kept.conf)) == before
    assert "incoming" not in kept.ask("fence_state,101").out
    assert "retained_migration=7" in kept.ask("fence_state,101").out


@pytest.mark.parametrize("moves_done", range(5))
@pytest.mark.parametrize("next_words", ["reserve 8", "retire 7 9999999999"])
def test_a_kill_between_two_moves_loses_no_copy(kept: Gate, moves_done: int, next_words: str) -> None:
    # This mv serves so many times and then takes the gate down with it, as a node does that loses its power.
    kept.tool("mv", _mv_that_ends(kept, after=moves_done))
    assert kept("do 101 1 reserve 8").exit_code == -signal.SIGKILL
    (kept.root / "bin/mv").unlink()
    assert kept.do(f"101 1 {next_words}").rc == 0
    assert _areas(kept) == ({"101.ovz-m7": "old\n"} if next_words.startswith("reserve") else {})
    assert _retire(kept, 7) == 0
    assert _areas(kept) == {}
    assert not _files(kept.conf)


def _mv_that_ends(gate: Gate, *, after: int) -> str:
    return f"""
echo moved >>{gate.root}/moves
[ "$(wc -l <{gate.root}/moves)" -le {after} ] || {{ kill -KILL $(ps -o ppid= -p $PPID) $PPID; exit 1; }}
exec /bin/mv "$@"
"""


def test_the_record_of_a_retired_copy_says_nothing_about_the_next_one(gate: Gate) -> None:
    """First left by stream, then live: whose configuration vzmigrate renames instead of the gate."""
    gate.container(101)
    _leave(gate, 7)
    assert _retire(gate, 7) == 0
    _areas(gate)
    _arrive(gate, 8, "alive\n")
    (gate.conf / "101.conf").rename(gate.conf / "101.conf.migrated")
    _leave(gate, 9)
    found = (gate.state / "retained/101").read_text()
    assert f"config={gate.conf}/101.conf.migrated" in found
    assert _retire(gate, 9) == 0
    assert not _files(gate.conf)
