"""Trust lives for one migration: exact lines in, all of them out again."""

from __future__ import annotations

import subprocess

import pytest

from tests.gate.rig import Gate

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIBO4pDgfj5b6Y1rE479RG0Bflq9eUB7yNFZN5dKoAJ"
OTHER_KEY = KEY[:-1] + "K"
ADMIN = f"ssh-ed25519 {KEY[:-2]}ZZ admin@desk\n"


def test_it_makes_one_key_pair(gate: Gate) -> None:
    public = gate.do("101 1 trust_make 42").out
    assert public.startswith("ssh-ed25519 AAAA")
    assert public.endswith(" ovzpanel-m42\n")
    assert gate.do("101 1 trust_make 42").out == public
    key = gate.state / "m" / "42" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    derived = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True)
    assert derived.stdout.split()[1] == public.split()[1]


def test_it_adds_exactly_one_line(gate: Gate) -> None:
    keys = gate.root / "authorized_keys"
    keys.write_text(ADMIN.rstrip("\n"))  # no newline at the end, as people leave it
    for _ in range(2):
        assert gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}").rc == 0
    options = 'from="192.0.2.11",no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,no-user-rc'
    assert keys.read_text() == ADMIN + f"{options} ssh-ed25519 {KEY} ovzpanel-m42\n"
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_new_key_of_the_same_migration_replaces_the_old(gate: Gate) -> None:
    gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}")
    gate.do(f"101 1 trust_accept 42 192.0.2.12 ssh-ed25519 {OTHER_KEY}")
    text = (gate.root / "authorized_keys").read_text()
    assert text.count("\n") == 1
    assert OTHER_KEY in text


def test_it_drops_its_own_lines_only(gate: Gate) -> None:
    keys = gate.root / "authorized_keys"
    keys.write_text(ADMIN)
    gate.do("101 1 trust_make 42")
    gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}")
    gate.do(f"102 1 trust_accept 421 192.0.2.11 ssh-ed25519 {OTHER_KEY}")
    gate.do(f"101 1 trust_pin 42 192.0.2.12 ssh-ed25519 {KEY}")
    for _ in range(2):
        assert gate.do("101 1 trust_drop 42").rc == 0
    text = keys.read_text()
    assert text.startswith(ADMIN)
    assert text.count("\n") == 2
    assert text.endswith("ovzpanel-m421\n")
    assert not [path.name for path in (gate.state / "m" / "42").iterdir() if path.name != "ctid"]


def test_it_pins_one_key_per_address_and_type(gate: Gate) -> None:
    gate.do(f"101 1 trust_pin 42 192.0.2.12 ssh-ed25519 {KEY}")
    gate.do(f"101 1 trust_pin 42 192.0.2.13 ssh-ed25519 {KEY}")
    gate.do(f"101 1 trust_pin 42 192.0.2.12 ssh-ed25519 {OTHER_KEY}")
    assert sorted((gate.state / "m/42/known_hosts").read_text().splitlines()) == [
        f"192.0.2.12 ssh-ed25519 {OTHER_KEY}",
        f"192.0.2.13 ssh-ed25519 {KEY}",
    ]


def test_it_never_authorises_a_key_twice(gate: Gate) -> None:
    """The panel's own key, let in a second time, would be free of its forced command."""
    (gate.root / "authorized_keys").write_text(
        f'restrict,command="/usr/local/sbin/ovzgate" ssh-ed25519 {KEY} ovzpanel\n'
    )
    assert gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}").rc == 9
    assert (gate.root / "authorized_keys").read_text().count("\n") == 1


def test_only_peers_are_trusted_where_they_are_named(gate: Gate) -> None:
    gate.configure(peers="192.0.2.11 192.0.2.12")
    assert gate.do(f"101 1 trust_accept 42 192.0.2.1 ssh-ed25519 {KEY}").rc == 1
    assert gate.do(f"101 1 trust_pin 42 192.0.2.1 ssh-ed25519 {KEY}").rc == 1
    assert not (gate.root / "authorized_keys").exists()
    assert gate.do(f"101 1 trust_accept 42 192.0.2.12 ssh-ed25519 {KEY}").rc == 0


@pytest.mark.parametrize(
    ("peers", "address", "is_one"),
    [
        ("192.0.2.0/24", "192.0.2.200", True),
        ("192.0.2.0/24", "192.0.3.1", False),
        ("192.0.2.0/28 2001:db8::5/128", "192.0.2.15", True),
        ("192.0.2.0/28 2001:db8::5/128", "192.0.2.16", False),
        ("192.0.2.0/28 2001:db8::5/128", "2001:db8::5", True),
        ("192.0.2.0/28 2001:db8::5/128", "2001:db8::6", False),
        ("10.0.0.0/8", "192.0.2.11", False),
        ("192.0.2.11/32", "192.0.2.11", True),
        ("192.0.2.11/32", "192.0.2.10", False),
        ("0.0.0.0/0", "192.0.2.11", False),
        ("192.0.2.0/33", "192.0.2.11", False),
        ("192.0.2.0/x", "192.0.2.11", False),
        ("192.0.2.0/", "192.0.2.11", False),
        ("*", "192.0.2.11", False),
    ],
)
def test_a_peer_may_be_a_network(gate: Gate, peers: str, address: str, is_one: bool) -> None:
    gate.configure(peers=peers)
    refusal = gate.do(f"101 1 trust_accept 42 {address} ssh-ed25519 {KEY}")
    assert (refusal.rc == 0) is is_one
    assert is_one or "is not among the peers" in refusal.err


def test_a_migration_belongs_to_one_container(gate: Gate) -> None:
    gate.do("101 1 trust_make 42")
    gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}")
    for words in (
        "trust_make 42",
        "trust_drop 42",
        "forget_work 42",
        f"trust_accept 42 192.0.2.11 ssh-ed25519 {OTHER_KEY}",
    ):
        assert gate.do(f"102 1 {words}").rc == 9, words
    assert (gate.state / "m/42/key").exists()


def test_forget_work_leaves_nothing(gate: Gate) -> None:
    gate.container(101)
    gate.do("101 1 trust_make 42")
    gate.do(f"101 1 trust_accept 42 192.0.2.11 ssh-ed25519 {KEY}")
    gate.job("m42-backup-a1", "101 1 backup 42 full")
    assert "archive backup.tar.gz" in gate.ask("work,42").out
    assert gate.do("101 1 forget_work 42").rc == 0
    assert gate.ask("work,42").out == "authorized_lines 0\n"
    assert (gate.root / "private" / "101" / "data").exists()


def test_forget_work_waits_for_running_jobs(gate: Gate) -> None:
    gate.container(101)
    (gate.root / "start_seconds").write_text("20\n")
    gate("job start m42-start_ct-a1 101 1 start")
    gate.do("101 1 trust_make 42")
    assert gate.do("101 1 forget_work 42").rc == 9
    assert (gate.state / "m/42/key").exists()
