from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from migrations_app.vz import ops
from migrations_app.vz.names import BadValue
from migrations_app.vz.ops import JobOp, Op
from tests.vz.test_names import BASE64

KEY = f"ssh-ed25519 {BASE64}"

SPELLED: list[tuple[Op | JobOp, str]] = [
    (ops.TrustMake(migration_id=7), "trust_make 7"),
    (
        ops.TrustAccept(migration_id=7, address="10.0.0.2", public_key=f"{KEY} root@vz2"),
        f"trust_accept 7 10.0.0.2 ssh-ed25519 {BASE64}",
    ),
    (
        ops.TrustPin(migration_id=7, address="2001:DB8::2", public_key=KEY),
        f"trust_pin 7 2001:db8::2 ssh-ed25519 {BASE64}",
    ),
    (ops.TrustDrop(migration_id=7), "trust_drop 7"),
    (ops.Reserve(migration_id=7), "reserve 7"),
    (ops.ClearIncoming(migration_id=7), "clear_incoming 7"),
    (ops.AcceptIncoming(migration_id=7), "accept_incoming 7"),
    (ops.Strip(), "strip"),
    (ops.SetAddresses(addresses=("10.0.0.9", "2001:db8::9")), "address 10.0.0.9 2001:db8::9"),
    (
        ops.SetAddresses(addresses=("10.0.0.9",), host_name="Shop.example"),
        "address hostname=shop.example 10.0.0.9",
    ),
    (ops.SetAddresses(addresses=("10.0.0.9",), onboot=True), "address onboot=yes 10.0.0.9"),
    (ops.SetAddresses(addresses=("10.0.0.9",), onboot=False), "address onboot=no 10.0.0.9"),
    (ops.DropAddresses(addresses=("10.0.0.9",)), "drop_address 10.0.0.9"),
    (
        ops.EditLine(migration_id=7, path="etc/a", number=3, old="old", new="new"),
        "edit_line 7 ZXRjL2E= 3 b2xk bmV3",
    ),
    (ops.SetOnboot(onboot=True), "set_onboot yes"),
    (ops.SetOnboot(onboot=False), "set_onboot no"),
    (ops.Announce(address="10.0.0.9"), "announce 10.0.0.9 3"),
    (ops.Freeze(addresses=("10.0.0.9", "10.0.0.10")), "freeze 10.0.0.9 10.0.0.10"),
    (ops.Unfreeze(addresses=("10.0.0.9",)), "unfreeze 10.0.0.9"),
    (ops.Drained(address="10.0.0.9"), "drained 10.0.0.9"),
    (ops.TunnelKinds(), "tunnel_kinds"),
    (
        ops.ForwardOut(migration_id=7, kind="gre", old="10.0.0.9", new="10.0.1.9", peer="10.0.1.2"),
        "forward_out 7 gre 10.0.0.9 10.0.1.9 10.0.1.2",
    ),
    (
        ops.ForwardIn(migration_id=7, kind="vxlan", old="10.0.0.9", peer="10.0.0.2"),
        "forward_in 7 vxlan 10.0.0.9 10.0.0.2",
    ),
    (ops.ForwardEnd(migration_id=7, old="10.0.0.9"), "forward_end 7 10.0.0.9"),
    (ops.Fence(migration_id=7, retain_until_epoch=1736294400), "fence 7 1736294400"),
    (ops.Unfence(migration_id=7), "unfence 7"),
    (ops.Retire(migration_id=7, now_epoch=1736294401), "retire 7 1736294401"),
    (ops.ClearStaleLock(), "clear_stale_lock"),
    (ops.Thaw(), "thaw"),
    (ops.ForgetWork(migration_id=7), "forget_work 7"),
    (ops.RehearsalDrop(migration_id=7, rehearsal_ctid="900101"), "rehearsal_drop 7 900101"),
    (ops.VzmigrateCheck(migration_id=7, destination="10.0.0.2", live=True), "vzmigrate_check 10.0.0.2 7 live"),
    (
        ops.Vzmigrate(migration_id=7, destination="10.0.0.2", live=False, bandwidth_limit_kib=512),
        "vzmigrate 10.0.0.2 7 offline 512",
    ),
    (ops.Vzdump(migration_id=7), "vzdump 7 suspend 0"),
    (ops.Vzdump(migration_id=7, mode="stop", bandwidth_limit_kib=9), "vzdump 7 stop 9"),
    (ops.PushArchive(migration_id=7, destination="10.0.0.2"), "push_archive 10.0.0.2 7 0"),
    (ops.Restore(migration_id=7), "restore 7"),
    (ops.Define(migration_id=7, config_text='VE_LAYOUT="simfs"\n'), "define 7"),
    (ops.Sync(migration_id=7, destination="10.0.0.2", sync_pass="verify"), "sync 10.0.0.2 7 verify 0"),
    (ops.Measure(migration_id=7, destination="10.0.0.2"), "measure 10.0.0.2 7"),
    (ops.Start(), "start"),
    (ops.Stop(), "stop 120"),
    (ops.Stop(timeout_seconds=5, fast=True), "stop 5 fast"),
    (ops.RehearseStart(migration_id=7, rehearsal_ctid="900101"), "rehearse_start 7 900101"),
    (ops.RehearseStop(migration_id=7, rehearsal_ctid="900101"), "rehearse_stop 7 900101"),
    (ops.Backup(migration_id=7), "backup 7"),
    (ops.Backup(migration_id=7, full=True), "backup 7 full"),
    (ops.Install(need="rsync"), "install rsync"),
]


@pytest.mark.parametrize(("op", "words"), SPELLED, ids=lambda part: part if isinstance(part, str) else "")
def test_an_operation_spells_itself(op: Op | JobOp, words: str) -> None:
    assert " ".join(op.words) == words


def test_every_operation_is_tried_here() -> None:
    kinds = {getattr(ops, name) for name in ops.__all__} - {Op, JobOp}
    assert {type(op) for op, _ in SPELLED} == kinds


def test_only_a_definition_brings_a_payload() -> None:
    payloads = {op.name: op.stdin for op, _ in SPELLED if op.stdin}
    assert payloads == {"define": b'VE_LAYOUT="simfs"\n'}


@pytest.mark.parametrize("text", ["", "x" * (64 * 1024 + 1), "é" * (32 * 1024 + 1)])
def test_a_definition_is_bounded(text: str) -> None:
    with pytest.raises(BadValue, match="configuration"):
        ops.Define(migration_id=7, config_text=text)


SPOILED: list[tuple[str, Any]] = [
    ("migration_id", 0),
    ("migration_id", True),
    ("migration_id", "7; reboot"),
    ("address", "10.0.0.2 -oProxyCommand=x"),
    ("address", "127.0.0.1"),
    ("destination", "vz2.example.net"),
    ("destination", "-x"),
    ("public_key", 'command="id" ssh-rsa AAAA'),
    ("peer", "10.0.0.9;id"),
    ("number", 0),
    ("path", "two\nlines"),
    ("path", "x" * 901),
    ("addresses", ()),
    ("addresses", ("10.0.0.1",) * 33),
    ("addresses", ("10.0.0.1", "10.0.0.1/24")),
    ("host_name", "-leading"),
    ("host_name", "two words"),
    ("count", 0),
    ("count", 11),
    ("retain_until_epoch", 0),
    ("now_epoch", 10**11),
    ("rehearsal_ctid", "7"),
    ("rehearsal_ctid", "101;id"),
    ("mode", "snapshot"),
    ("sync_pass", "delete"),
    ("need", "gcc"),
    ("bandwidth_limit_kib", -1),
    ("bandwidth_limit_kib", 10**8),
    ("timeout_seconds", 0),
    ("timeout_seconds", 3_601),
]


@pytest.mark.parametrize(("field", "value"), SPOILED)
def test_an_operation_with_a_bad_argument_does_not_come_into_being(field: str, value: Any) -> None:
    holders = [op for op, _ in SPELLED if field in {known.name for known in dataclasses.fields(op)}]
    assert holders
    for op in holders:
        with pytest.raises(BadValue):
            dataclasses.replace(op, **{field: value})
