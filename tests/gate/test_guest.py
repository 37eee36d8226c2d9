"""Lines inside a container that name its old address: found exactly, changed only where that is safe."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from tests.gate.rig import Gate

OLD, NEW = "1.2.3.4", "198.51.100.7"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def area(gate: Gate) -> Path:
    area = gate.container(101)
    (area / "etc").mkdir()
    (gate.state / "incoming").mkdir(parents=True)
    (gate.state / "incoming" / "101").write_text("migration=7\n")
    return area


def mentions(gate: Gate, address: str = OLD) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for line in gate.ask(f"ct_mentions,101,{address}").out.splitlines():
        kind, _, said = line.partition("=")
        if kind == "file":
            lines = found.setdefault(base64.b64decode(said).decode(), [])
        else:
            number, _, text = said.partition(" ")
            lines.append((int(number), base64.b64decode(text).decode()))
    return found


def edit(gate: Gate, file: str, number: int, old: str, new: str) -> int:
    return gate.do(f"101 1 edit_line 7 {b64(file)} {number} {b64(old)} {b64(new)}").rc


def test_it_finds_exactly_the_address(gate: Gate, area: Path) -> None:
    lines = [
        "Listen 1.2.3.4:80",
        "11.2.3.4",
        "1.2.3.45",
        "1.2.3.4.5",
        "to 1.2.3.4.",
        "allow=1.2.3.4/32",
        "01.2.3.4",
        "#1x2y3z4",
    ]
    (area / "etc/app.conf").write_text("\n".join(lines) + "\n")
    assert mentions(gate) == {"etc/app.conf": [(1, lines[0]), (5, lines[4]), (6, lines[5])]}


def test_it_finds_an_address_of_the_other_family_in_any_case(gate: Gate, area: Path) -> None:
    (area / "etc/app.conf").write_text("bind 2001:DB8::7;\nbind 2001:db8::77;\nbind 12001:db8::7;\n")
    assert mentions(gate, "2001:db8::7") == {"etc/app.conf": [(1, "bind 2001:DB8::7;")]}


def test_it_tells_lines_as_they_are(gate: Gate, area: Path) -> None:
    lines = [
        f"{OLD}{tail}" for tail in ("", " a", " ab", " abc", ' "$HOME" `id` \\n %s', " grüße € 🙂\t", "\xa0\x7f:::")
    ]
    (area / "etc/app.conf").write_text("\n".join(lines))
    assert mentions(gate) == {"etc/app.conf": list(enumerate(lines, start=1))}


def test_it_looks_at_no_binary_no_large_file_and_behind_no_link(gate: Gate, area: Path, tmp_path: Path) -> None:
    (tmp_path / "of_the_node").write_text(f"{OLD}\n")
    (area / "etc/link").symlink_to(tmp_path / "of_the_node")
    (area / "etc/folder").symlink_to(tmp_path)
    (area / "etc/binary").write_bytes(b"\0\1" + OLD.encode() + b"\n")
    (area / "etc/large").write_text(f"{OLD}\n" * 40_000)
    (area / "var").mkdir()
    (area / "var/elsewhere").write_text(f"{OLD}\n")
    assert mentions(gate) == {}


@pytest.mark.parametrize("linked", ["usr", "usr/local", "usr/local/etc"])
def test_it_looks_behind_no_link_on_the_way_to_a_place(gate: Gate, area: Path, tmp_path: Path, linked: str) -> None:
    rest = Path("usr/local/etc").relative_to(linked)
    (tmp_path / "of_the_node" / rest).mkdir(parents=True)
    (tmp_path / "of_the_node" / rest / "secret").write_text(f"{OLD}\n")
    (area / linked).parent.mkdir(parents=True, exist_ok=True)
    (area / linked).symlink_to(tmp_path / "of_the_node")
    (area / "etc/seen").write_text(f"{OLD}\n")
    assert mentions(gate) == {"etc/seen": [(1, OLD)]}


def test_a_container_that_runs_is_not_looked_into(gate: Gate, area: Path) -> None:
    """It could swap what is read for a link to the node's own files, or for a FIFO that never ends."""
    (area / "etc/app.conf").write_text(f"{OLD}\n")
    (gate.root / "ctl/101").write_text("running\n")
    answer = gate.ask(f"ct_mentions,101,{OLD}")
    assert (answer.rc, answer.out, answer.err) == (32, "", "container 101 is running here\n")


def test_a_container_is_not_looked_into_when_vzctl_cannot_tell(gate: Gate, area: Path) -> None:
    gate.tool("vzctl", "exit 1")
    assert gate.ask(f"ct_mentions,101,{OLD}").rc == 32


def test_a_copy_that_is_rehearsed_is_neither_looked_into_nor_changed(gate: Gate, area: Path) -> None:
    (area / "etc/app.conf").write_text(f"{OLD}\n")
    (gate.conf / "101.conf").write_text('HOSTNAME="ct101.example.net"\n')
    assert gate.job("m7-rehearse_start-a1", "101 1 rehearse_start 7 190001")[0] == "done 0"
    answer = gate.ask(f"ct_mentions,101,{OLD}")
    assert (answer.rc, answer.err) == (32, "container 101 is being rehearsed here as 190001\n")
    assert edit(gate, "etc/app.conf", 1, OLD, NEW) == 32
    assert gate.job("m7-rehearse_stop-a1", "101 1 rehearse_stop 7 190001")[0] == "done 0"
    assert mentions(gate) == {"etc/app.conf": [(1, OLD)]}


@pytest.mark.parametrize("slow", ["-lZIiE", "-niE"])
def test_it_is_ended_when_searching_or_telling_takes_too_long(gate: Gate, area: Path, slow: str) -> None:
    (area / "etc/app.conf").write_text(f"{OLD}\n")
    gate.tool("grep", f'case " $* " in *" {slow} "*) exec sleep 60 ;; esac\nexec /bin/grep "$@"\n')
    began = time.monotonic()
    assert gate.ask(f"ct_mentions,101,{OLD}").rc == 124
    assert time.monotonic() - began < 20


def test_it_bounds_what_it_says(gate: Gate, area: Path) -> None:
    for number in range(70):
        (area / f"etc/{number}").write_text(f"{OLD} {'x' * 2000}\n" * 50)
    found = mentions(gate)
    assert len(found) == 50
    assert all(len(lines) == 20 for lines in found.values())
    assert all(len(text) <= 400 for lines in found.values() for _, text in lines)


def test_hostile_names_stay_names(gate: Gate, area: Path) -> None:
    names = ["$(touch owned)", "a b'c\"d", "line=1 QUFB", "-rf"]
    for name in names:
        (area / "etc" / name).write_text(f"{OLD}\n")
    assert set(mentions(gate)) == {f"etc/{name}" for name in names}
    assert not (area / "owned").exists()


def test_it_changes_the_line_and_keeps_the_rest(gate: Gate, area: Path) -> None:
    file = area / "etc/app.conf"
    file.write_text(f"a\nListen {OLD}:80\nlast without end")
    file.chmod(0o640)
    for _ in range(2):
        assert edit(gate, "etc/app.conf", 2, f"Listen {OLD}:80", f"Listen {NEW}:80") == 0
    assert file.read_text() == f"a\nListen {NEW}:80\nlast without end"
    assert file.stat().st_mode & 0o777 == 0o640
    assert (area / "etc/app.conf.ovz-m7").read_text() == f"a\nListen {OLD}:80\nlast without end"


def test_text_is_taken_as_it_is(gate: Gate, area: Path) -> None:
    (area / "etc/app.conf").write_text("x\\n & $HOME `id` 1.2.3.4\n")
    assert edit(gate, "etc/app.conf", 1, "x\\n & $HOME `id` 1.2.3.4", "x\\n & $HOME `id` 5.6.7.8") == 0
    assert (area / "etc/app.conf").read_text() == "x\\n & $HOME `id` 5.6.7.8\n"


def test_a_line_that_somebody_changed_is_left_alone(gate: Gate, area: Path) -> None:
    (area / "etc/app.conf").write_text("Listen 9.9.9.9:80\n")
    assert edit(gate, "etc/app.conf", 1, f"Listen {OLD}:80", f"Listen {NEW}:80") == 9
    assert not (area / "etc/app.conf.ovz-m7").exists()


@pytest.mark.parametrize(
    "file", ["etc/link", "etc/folder/secret", "../../outside", "/etc/passwd", "etc", "etc/none", ""]
)
def test_it_never_leaves_the_private_area(gate: Gate, area: Path, tmp_path: Path, file: str) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "secret").write_text(f"{OLD}\n")
    (tmp_path / "outside").write_text(f"{OLD}\n")
    (area / "etc/link").symlink_to(outside / "secret")
    (area / "etc/folder").symlink_to(outside)
    if file:
        assert edit(gate, file, 1, OLD, NEW) == 9
    else:
        assert gate(f"do 101 1 edit_line 7 = 1 {b64(OLD)} {b64(NEW)}").exit_code == 64
    assert (outside / "secret").read_text() == f"{OLD}\n"


def test_only_an_arrived_copy_that_does_not_run_is_changed(gate: Gate, area: Path) -> None:
    (area / "etc/app.conf").write_text(f"{OLD}\n")
    (gate.root / "ctl/101").write_text("running\n")
    assert edit(gate, "etc/app.conf", 1, OLD, NEW) == 32
    (gate.root / "ctl/101").unlink()
    (gate.state / "incoming/101").unlink()
    assert edit(gate, "etc/app.conf", 1, OLD, NEW) == 9
    assert (area / "etc/app.conf").read_text() == f"{OLD}\n"
