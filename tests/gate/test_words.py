"""The gate answers what it understands whole, and refuses the rest before doing anything."""

from __future__ import annotations

import os
import socket

import pytest

from tests.gate.rig import Gate

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBO4pDgfj5b6Y1rE479RG0Bflq9eUB7yNFZN5dKoAJ"


def test_it_says_hello(gate: Gate) -> None:
    assert gate("hello").out == f"ovzgate 1 {socket.gethostname()}\n"


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        " hello",
        "hello ",
        "hello  world",
        "hello\nhello",
        "hello\tworld",
        "hello world",
        "HELLO",
        "sh -c id",
        "internal-sftp",
        "scp -t /etc/passwd",
        "/usr/lib/openssh/sftp-server",
        "rsync --server -e.LsfxC . /",
        "ask",
        "ask " + " ".join(["clock"] * 31),
        "ask nosuchfact",
        "ask ct_status",
        "ask ct_status,",
        "ask ct_status,101,102",
        "ask kernel,101",
        "ask ct_status,101,1,1,1",
        "ask fact_kernel",
        "do 101 1",
        "do 101 1 nosuchop",
        "do 101 1 strip extra",
        "do 101 1 freeze",
        "do 101 1 announce 192.0.2.1 11",
        "do 101 1 set_onboot maybe",
        "job",
        "job start m1-x-a1 101 1",
        "job start m1-x-a1 101 1 strip",
        "job start m1-sync-a1 101 1 sync 192.0.2.1 1 sometimes 0",
        "job status",
        "job status m1-x-a1 6",
        "job status m1-x-a1 0.5.5",
        "job status m1-x-a1 5.1",
        "job forget m1-x-a1",
        "job list all",
        "do 101 1 trust_accept 1 192.0.2.1 ssh-dss " + KEY.split()[1],
        "do 101 1 trust_accept 1 192.0.2.1 ssh-ed25519 AAAA",
        "a" * 4097,
        "ask " + "x " * 40 + "x",
    ],
)
def test_it_refuses_what_it_does_not_know(gate: Gate, request_text: str) -> None:
    reply = gate(request_text)
    assert (reply.exit_code, reply.out) == (64, "")
    assert reply.err.startswith("refused: ")
    assert not gate.calls


@pytest.mark.parametrize(
    "ctid",
    [
        "0",
        "-1",
        "1",
        "99",
        "100",
        "2147483645",
        "2147483648",
        "4294967297",
        "0101",
        "101.0",
        "1e3",
        "all",
        "101a",
        "101,102",
        "00000000-0000-0000-0000-00000000000",
        "6B29FC40-CA47-1067-B31D-00DD010662DA",
        "6b29fc40ca471067b31d00dd010662da",
        "6b29fc40-ca47-1067-b31d-00dd010662dg",
        "../101",
        "101/..",
        "101/",
        ".",
        "..",
    ],
)
def test_it_refuses_a_bad_container(gate: Gate, ctid: str) -> None:
    for request_text in (f"ask ct_status,{ctid}", f"do {ctid} 1 strip", f"job start m1-x-a1 {ctid} 1 start"):
        assert gate(request_text).exit_code == 64, request_text
    assert not gate.calls


@pytest.mark.parametrize("ctid", ["101", "2147483644", "6b29fc40-ca47-1067-b31d-00dd010662da"])
def test_it_takes_a_good_container(gate: Gate, ctid: str) -> None:
    assert gate.ask(f"ct_status,{ctid}").out == f"CTID {ctid} deleted unmounted down\n"


@pytest.mark.parametrize(
    "address",
    [
        "010.0.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "::ffff:1.2.3.4",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "127.0.0.1",
        "fe80::1%eth0",
        "fe80::1",
        "::1",
        "::",
        "1.2.3.4/24",
        "1.2.3.256",
        "1..2.3",
        ".1.2.3",
        "1.2.3.",
        "example.net",
        "ff02::1",
        "2001:db8::1::2",
        "2001:db8",
        "12345::1",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:",
        "2001:DB8::1",
        "1.2.3.4,1.2.3.5",
        ":::",
        "a:::b",
    ],
)
def test_it_refuses_a_bad_address(gate: Gate, address: str) -> None:
    assert gate(f"do 101 1 freeze {address}").exit_code == 64
    assert gate(f"ask arp_owner,{address}").exit_code == 64
    assert not gate.state.joinpath("frozen").exists()


@pytest.mark.parametrize("address", ["192.0.2.101", "2001:db8::7", "2001:db8:0:1:2:3:4:5", "2001:db8::"])
def test_it_takes_a_good_address(gate: Gate, address: str) -> None:
    assert gate.do(f"101 1 address {address} hostname=www.example.net onboot=yes").rc == 0
    assert gate.calls == [f"vzctl set 101 --ipadd {address} --hostname www.example.net --onboot yes --save"]


@pytest.mark.parametrize(
    "key",
    [
        "m-x-a1",
        "1-x-a1",
        "m1-x",
        "m1-x-a",
        "m1--a1",
        "m1-X-a1",
        "m1-x-a1/",
        "m01-x-a1",
        "m1-x1-a1",
        "m1-x-y-a1",
        "../m1-x-a1",
        "m1-x-a1..",
        ".new.1",
        "m1-../-a1",
    ],
)
def test_it_refuses_a_bad_job_key(gate: Gate, key: str) -> None:
    for request_text in (f"job start {key} 101 1 start", f"job status {key}", f"job forget {key} 101 1"):
        assert gate(request_text).exit_code == 64, request_text
    assert not gate.calls


def test_it_ignores_the_callers_environment(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = gate.root / "trap"
    trap.mkdir()
    for name in ("vzctl", "base64", "timeout", "flock"):
        (trap / name).write_text(f"#!/bin/sh\ntouch {gate.root}/canary\n")
        (trap / name).chmod(0o755)
    monkeypatch.setitem(os.environ, "PATH", f"{trap}:{os.environ['PATH']}")
    assert gate.ask("ct_status,101").rc == 0
    assert not (gate.root / "canary").exists()


def test_it_refuses_bytes_outside_ascii(gate: Gate) -> None:
    assert gate(b"ask ct_status,101\xff").exit_code == 64
    assert gate("ask ct_status,\uff11\uff10\uff11").exit_code == 64


def test_an_unknown_setting_stops_the_gate(gate: Gate) -> None:
    gate.configure(sourse="x")
    reply = gate("hello")
    assert (reply.exit_code, reply.out) == (70, "")
