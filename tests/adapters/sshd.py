"""A real sshd on a free loopback port, with keys of its own and a few words it knows."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from migrations_app.adapters import ssh_key
from migrations_app.ports.shell import Endpoint

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")

# Bound to the panel's key as the gate is: it sees the words, and no shell does.
SPEAKER = """\
#!/bin/sh
printf '%s\\n' "$SSH_ORIGINAL_COMMAND" >>"$1/heard"
set -f
set -- "$1" $SSH_ORIGINAL_COMMAND
case $2 in
say) shift 2; echo "$*" ;;
fail) echo out; echo err >&2; exit 75 ;;
bytes) printf 'a\\000b\\377c\\n' ;;
from) echo "$SSH_CONNECTION" ;;
echo) cat ;;
sleep) sleep "$3" ;;
flood) head -c 104857600 /dev/zero | tr '\\0' x ;;
flood_err) head -c 8388608 /dev/zero | tr '\\0' x >&2; echo done ;;
die) kill -9 "$PPID" ;;
esac
"""

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel ERROR
"""


@dataclass
class Sshd:
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None)

    def prepare(self) -> None:
        """Make host key, panel key and the speaker's door."""
        self.make_host_key()
        speaker = self.folder / "speaker"
        speaker.write_text(SPEAKER)
        speaker.chmod(0o755)
        self.panel_key = ssh_key.read_or_make_key(self.folder / "panel_key")
        line = f'restrict,command="{speaker} {self.folder}" {ssh_key.public_line(self.panel_key)}\n'
        (self.folder / "authorized_keys").write_text(line)
        self.port = free_port()

    def make_host_key(self, kind: str = "ed25519") -> None:
        for file in self.folder.glob("host_key*"):
            file.unlink()
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(self.folder / "host_key")], check=True, timeout=30
        )

    def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        Path("/run/sshd").mkdir(exist_ok=True)  # it will not start without
        assert SSHD
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
        wait_until_it_listens(self.port)

    def stop(self) -> None:
        """End the listener and every connection."""
        if self.process is not None:
            subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
            self.process.kill()
            self.process.wait(timeout=10)
        self.process = None

    @property
    def host_key(self) -> str:
        kind, encoded, *_ = (self.folder / "host_key.pub").read_text().split()
        return f"{kind} {encoded}"

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(name="node-1", address="127.0.0.1", port=self.port, host_key=self.host_key)

    @property
    def heard(self) -> list[str]:
        heard = self.folder / "heard"
        return heard.read_text().splitlines() if heard.exists() else []


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def wait_until_it_listens(port: int) -> None:
    for _ in range(200):
        with socket.socket() as plug:
            if plug.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.025)
    raise AssertionError(f"nothing listens on {port}")
