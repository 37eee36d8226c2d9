"""A gate installed in a folder of its own, with stand-in tools the test controls."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "gate"

# A vzctl that remembers: state in ctl/N, configurations where the gate looks for them. Every call is noted.
VZCTL = r"""
root=@ROOT@
echo "vzctl $*" >>"$root/calls"
while :; do case $1 in --quiet | --skiplock) shift ;; *) break ;; esac; done
verb=$1 ct=$2
conf=$root/vz/conf/$ct.conf
private=$(sed -n 's/^VE_PRIVATE="\(.*\)"/\1/p' "$conf" 2>/dev/null | tail -n 1)
[ -n "$private" ] || private=$root/private/$ct
state=down
[ -f "$root/ctl/$ct" ] && read -r state <"$root/ctl/$ct"
case $verb in
status)
	exist=deleted; [ -f "$conf" ] && [ -d "$private" ] && exist=exist
	mounted=unmounted; [ "$state" = running ] && mounted=mounted
	echo "CTID $ct $exist $mounted $state" ;;
start)
	[ -f "$conf" ] || exit 14
	sleep "$(cat "$root/start_seconds" 2>/dev/null || echo 0)"
	echo running >"$root/ctl/$ct"
	echo "Container start in progress..." ;;
stop)
	sleep "$(cat "$root/stop_seconds" 2>/dev/null || echo 0)"
	rm -f "$root/ctl/$ct"
	echo "Container was stopped" ;;
umount) rm -f "$root/ctl/$ct" ;;
set)
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		--onboot) key=ONBOOT ;; --disabled) key=DISABLED ;; --hostname) key=HOSTNAME ;; --name) key=NAME ;;
		*) shift; continue ;;
		esac
		sed -i "/^$key=/d" "$conf"; echo "$key=\"$2\"" >>"$conf"; shift 2
	done
	echo "CT configuration saved to $conf" ;;
--version) echo "vzctl version 4.11.1" ;;
exec2) cat "$root/inside" 2>/dev/null ;;
esac
"""

NOTED = 'echo "@NAME@ $*" >>@ROOT@/calls\n'


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one call of the gate brought back."""

    exit_code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One decoded answer line of ask or do."""

    rc: int
    out: str
    err: str


def decoded(text: str) -> str:
    return "" if text == "-" else base64.b64decode(text).decode()


def _answer(rc: str, out: str, err: str) -> Answer:
    return Answer(rc=int(rc), out=decoded(out), err=decoded(err))


class Gate:
    """The real gate over a temporary root."""

    def __init__(self, root: Path, lib: Path = SOURCE / "lib", *, inside: Sequence[str] = ()) -> None:
        self.root = root
        self.inside = inside  # the words that lead into the place where the gate runs
        self.state = root / "state"
        self.conf = root / "vz" / "conf"
        self.door = root / "ovzgate"
        for folder in ("bin", "vz/conf", "vz/names", "private", "mnt", "dump", "lock", "ctl", "kernel/proc/vz"):
            (root / folder).mkdir(parents=True)
        self._write_door(lib)
        self.configure()
        (root / "vz" / "vz.conf").write_text(
            f'VE_PRIVATE={root}/private/$VEID\nVE_ROOT="{root}/mnt/$VEID"\nDUMPDIR={root}/dump\nLOCKDIR={root}/lock\n'
        )
        self.tool("vzctl", VZCTL)

    def _write_door(self, lib: Path) -> None:
        text = (SOURCE / "ovzgate").read_text()
        text = re.sub(r"^gate_conf=.*", f"gate_conf={self.root}/gate.conf", text, flags=re.M)
        text = re.sub(r"^gate_lib=.*", f"gate_lib={lib}", text, flags=re.M)
        self.door.write_text(text)
        self.door.chmod(0o755)

    def configure(self, **settings: str | int) -> None:
        lines: dict[str, str | int] = {
            "kernel_root": f"{self.root}/kernel",
            "state_dir": f"{self.state}",
            "etc_vz": f"{self.root}/vz",
            "etc_ssh": f"{self.root}/ssh",
            "init_script": f"{self.root}/init-vz",
            "authorized_keys": f"{self.root}/authorized_keys",
            "search_path": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "least_retention_seconds": 0,
        }
        text = "".join(f"{key}={value}\n" for key, value in (lines | settings).items())
        (self.root / "gate.conf").write_text(text)

    def tool(self, name: str, script: str = "") -> Path:
        """Put a stand-in on the gate's path; without a script it only notes its call."""
        path = self.root / "bin" / name
        text = (script or NOTED).replace("@ROOT@", str(self.root)).replace("@NAME@", name)
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    @property
    def calls(self) -> list[str]:
        noted = self.root / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    def __call__(self, request: str | bytes, *, stdin: bytes = b"", timeout: float = 30) -> Reply:
        environ: dict[bytes, bytes] = {b"PATH": os.environb[b"PATH"]}
        environ[b"SSH_ORIGINAL_COMMAND"] = request if isinstance(request, bytes) else request.encode()
        words = [*self.inside, str(self.door)]
        run = subprocess.run(words, env=environ, input=stdin, capture_output=True, timeout=timeout, check=False)
        return Reply(exit_code=run.returncode, out=run.stdout.decode(), err=run.stderr.decode())

    def ask(self, fact: str) -> Answer:
        reply = self(f"ask {fact}")
        assert reply.exit_code == 0, reply
        name, rc, out, err = reply.out.split(" ")
        assert name == fact.split(",")[0]
        return _answer(rc, out, err.strip())

    def do(self, words: str, *, stdin: bytes = b"") -> Answer:
        reply = self(f"do {words}", stdin=stdin)
        assert reply.exit_code == 0, reply
        return _answer(*reply.out.split())

    def job(self, key: str, words: str, *, stdin: bytes = b"", wait_seconds: float = 20) -> tuple[str, str, str]:
        """Run a job to its end; return its state, out and err."""
        reply = self(f"job start {key} {words}", stdin=stdin)
        assert reply.out == "started\n", reply
        deadline = time.monotonic() + wait_seconds
        while True:
            lines = self(f"job status {key} 5").lines
            if lines[0] != "running":
                return lines[0], decoded(lines[1].split()[1]), decoded(lines[2].split()[1])
            assert time.monotonic() < deadline, lines

    def container(self, ctid: int, *, running: bool = False, private: bool = True, conf: str = "") -> Path:
        """Make a container of this node; return its private area."""
        area = self.root / "private" / str(ctid)
        if private:
            area.mkdir()
            (area / "data").write_text(f"data of {ctid}\n")
        (self.conf / f"{ctid}.conf").write_text(conf or f'HOSTNAME="ct{ctid}.example.net"\nONBOOT="yes"\n')
        if running:
            (self.root / "ctl" / str(ctid)).write_text("running\n")
        return area

    def end_jobs(self) -> None:
        for session in self.state.glob("jobs/*/session"):
            subprocess.run(["pkill", "-KILL", "-s", session.read_text().strip()], check=False)
