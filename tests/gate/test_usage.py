"""One answer holds all a sample needs, whichever files a kernel has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.rig import Gate

UNLIMITED = 2**63 - 1
VZLIST = f"""
cat <<'EOF'
       101 running    3145728 11534336 20000 220000     200    1000    2
       102 stopped          -        -     -      -       0    1000    -
7b9f3c9e-1111-4222-8333-444455556666 running 5 {UNLIMITED} 3 {UNLIMITED} 0 1000 -
EOF
"""
VESTAT = """\
Version: 2.2
      VEID  user  nice system  uptime idle strv uptime used maxlat totlat numsched
       101  5000    10    200 86400000   0    0      0    0      0      0        0
"""
COUNTERS = f"""\
Version: 2.5
       uid  resource           held maxheld barrier limit failcnt
      101:  kmemsize           1000    1000    {UNLIMITED} {UNLIMITED} 2
            physpages         61240  131072       0 262144 3
            dummy                 0       0       0      0 0
        0:  physpages             1       1       0 {UNLIMITED} 0
"""


@pytest.fixture
def kernel(gate: Gate) -> Path:
    proc = gate.root / "kernel" / "proc"
    gate.tool("vzlist", VZLIST)
    (proc / "vz" / "vestat").write_text(VESTAT)
    (proc / "user_beancounters").write_text(COUNTERS)
    (proc / "bc" / "101").mkdir(parents=True)
    (proc / "bc" / "101" / "ioacct").write_text("        read   2424832\n        write   876544\n")
    return proc


def rows(out: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in out.splitlines() if line.startswith(f"{key}=")]


def test_it_tells_of_every_container_on_one_line(gate: Gate, kernel: Path) -> None:
    assert rows(gate.ask("usage").out, "ct") == [
        "101 running 5210 86400000 61240 262144 - - 5 3145728 11534336 20000 220000 - - 876544 200 1000 2",
        "102 stopped - - - - - - - - - - - - - - 0 1000 -",
        f"7b9f3c9e-1111-4222-8333-444455556666 running - - - - - - - 5 {UNLIMITED} 3 {UNLIMITED} - - - 0 1000 -",
    ]


def test_newer_kernels_tell_of_swap_too(gate: Gate, kernel: Path) -> None:
    newer = COUNTERS.replace("            dummy ", "            swappages 7 9 0 1024 0\n            dummy ")
    (kernel / "bc" / "resources").write_text(newer)
    assert " 61240 262144 7 1024 5 " in rows(gate.ask("usage").out, "ct")[0]


def test_it_tells_of_the_node(gate: Gate, kernel: Path) -> None:
    out = gate.ask("usage").out
    for key in ("at", "uptime", "load", "cpu", "processors", "memory_kib", "swap_kib", "disk_kib", "inodes"):
        assert len(rows(out, key)) == 1, key
    assert len(rows(out, "cpu")[0].split()) == 8
    assert any(line.startswith("lo ") for line in rows(out, "net"))


def test_a_node_that_lists_no_container_still_tells_of_itself(gate: Gate) -> None:
    gate.tool("vzlist", "echo 'Container(s) not found' >&2\n")
    answer = gate.ask("usage")
    assert answer.rc == 0
    assert rows(answer.out, "memory_kib")
    assert rows(answer.out, "ct") == []
