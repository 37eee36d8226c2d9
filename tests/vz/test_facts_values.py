"""What the values say of themselves, beyond what was printed."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.vz import facts
from migrations_app.vz.names import BadValue
from tests.vz.captures import CAPTURES, read


def value(fact: str, case: str) -> Any:
    _, question, answer = read(CAPTURES / fact / f"{case}.json")
    return question.read(answer)


@pytest.mark.parametrize(
    ("case", "family"),
    [
        ("legacy", "legacy"),
        ("el5", "legacy"),
        ("vz7", "vz7"),
        ("plain_linux", "unknown"),
        ("neither_family", "unknown"),
    ],
)
def test_a_kernel_knows_its_family(case: str, family: str) -> None:
    assert value("kernel", case).family == family


def test_an_older_kernel_is_told_by_its_numbers() -> None:
    older, newer = value("kernel", "el5"), value("kernel", "legacy")
    assert older.is_older_than(newer)
    assert not newer.is_older_than(older)
    assert not newer.is_older_than(newer)


def test_tools_compare_versions_by_number() -> None:
    tools = value("tools", "legacy_complete")
    assert tools.is_at_least("vzctl", 4, 8)
    assert not tools.is_at_least("vzctl", 4, 12)
    assert not tools.is_at_least("conntrack", 0)
    assert tools.has("vzdump")
    assert not tools.has("nft")
    assert not tools.has("never heard of")


def test_tools_know_what_this_vzmigrate_takes() -> None:
    legacy, vz7 = value("tools", "legacy_complete"), value("tools", "bare_vz7")
    assert {"live", "check-only", "ssh-mux"} <= legacy.vzmigrate_options
    assert not {"live", "check-only", "ssh-mux"} & vz7.vzmigrate_options


def test_vz_conf_has_its_folders() -> None:
    conf = value("vzconf", "as_shipped")
    assert (conf.private, conf.root, conf.dump_dir) == ("/vz/private/$VEID", "/vz/root/$VEID", "/vz/dump")
    assert conf.layout == "ploop"
    assert conf.iptables_modules == {"ipt_REJECT", "ipt_tos", "ip_conntrack"}


def test_a_silent_vz_conf_has_the_defaults() -> None:
    conf = value("vzconf", "old_iptables_name")
    assert (conf.private, conf.root, conf.dump_dir) == ("/vz/private/$VEID", "/vz/root/$VEID", "")
    assert conf.layout == ""
    assert conf.iptables_modules == {"ipt_REJECT"}


def test_memory_and_disk_are_told_in_mebibytes_too() -> None:
    memory, disk = value("memory", "kernel_3_10"), value("disk", "vz_of_its_own")
    assert (memory.total_mib, memory.available_mib) == (32_071, 19_531)
    assert (disk.private.total_mib, disk.private.free_mib) == (100_665, 58_880)


def test_a_container_configuration_tells_what_a_move_needs() -> None:
    config = value("ct_config", "shop")
    assert config.addresses == ("198.51.100.7", "2001:db8::7")
    assert config.hostname == "shop.example.net"
    assert config.container_name == "shop"
    assert config.layout == "simfs"
    assert (config.private, config.root) == ("/vz/private/$VEID", "/vz/root/$VEID")
    assert config.os_template == "centos-6-x86_64"
    assert config.bridges == ("vmbr0", "vmbr1")
    assert config.onboot is False  # the last of two lines stands
    assert not config.disabled


def test_a_bare_container_configuration_is_read_too() -> None:
    config = value("ct_config", "bare")
    assert config.disabled
    assert config.onboot is None
    assert (config.addresses, config.bridges) == ((), ())
    assert (config.hostname, config.layout, config.private, config.root) == ("", "", "", "")


def test_only_a_dead_owner_makes_a_lock_stale() -> None:
    assert value("ct_lock", "stale").is_stale
    assert not value("ct_lock", "held").is_stale
    assert not value("ct_lock", "unreadable").is_stale
    assert not value("ct_lock", "free").is_stale


def test_traces_are_empty_when_nothing_is_left() -> None:
    assert value("work", "nothing").is_empty
    assert not value("work", "everything").is_empty


@pytest.mark.parametrize(
    "question",
    [
        lambda: facts.CtStatus("101;id"),
        lambda: facts.CtSize("0"),
        lambda: facts.SshTo("10.0.0.2 -x", 4),
        lambda: facts.SshTo("10.0.0.2", 0),
        lambda: facts.ArpOwner("224.0.0.1"),
        lambda: facts.CptVersionOk(-1),
        lambda: facts.CptCapsOk("101", -1),
        lambda: facts.Work(0),
        lambda: facts.Digest(4, "../../etc/shadow"),
    ],
)
def test_a_question_with_a_bad_word_does_not_come_into_being(question: Any) -> None:
    with pytest.raises(BadValue):
        question()


def test_a_question_spells_itself() -> None:
    assert facts.KernelFact().words == "kernel"
    assert facts.CtStatus("101").words == "ct_status,101"
    assert facts.CptCapsOk("101", 7).words == "cpt_caps_ok,101,7"
    assert facts.SshTo("2001:DB8::2", 4).words == "ssh_to,2001:db8::2,4"
