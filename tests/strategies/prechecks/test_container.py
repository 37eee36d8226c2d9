"""The container on the source, and its number and name on the target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrations_app.strategies.prechecks import container, number
from migrations_app.vz.facts import Leftover, Lock, ToolAtWork
from tests.strategies.prechecks import scene
from tests.strategies.prechecks.scene import DOWN, NOT_THERE, RUNNING, config, fence, seen, severities, the_one

THERE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "runs": ({"method": "live"}, {}),
    "stopped, stream": ({"source": {"state": DOWN}}, {}),
    "stopped, live": ({"source": {"state": DOWN}, "method": "live"}, {"not-running": "blocker"}),
    "stopped, auto": ({"source": {"state": DOWN}, "method": "auto"}, {}),
    "gone": ({"source": {"state": NOT_THERE}, "method": "live"}, {"container-missing": "blocker"}),
    "suspended": ({"source": {"state": replace(DOWN, suspended=True)}}, {"container-suspended": "blocker"}),
    "paused": ({"source": {"state": replace(RUNNING, paused=True)}}, {"container-suspended": "blocker"}),
}


@pytest.mark.parametrize("case", THERE)
def test_the_container_is_there(case: str) -> None:
    changes, wanted = THERE[case]
    assert severities(container.is_there, seen(**changes)) == wanted


LOCKS: dict[str, tuple[Lock, str, dict[str, str]]] = {
    "none": (Lock(held=False), "live", {}),
    "alive": (Lock(held=True, pid=77, alive=True), "stream", {"lock-held": "blocker"}),
    "nobody's name in it": (Lock(held=True, alive=True), "stream", {"lock-held": "blocker"}),
    "stale, live": (Lock(held=True, pid=77), "live", {"lock-stale": "blocker"}),
    "stale, stream": (Lock(held=True, pid=77), "stream", {"lock-stale": "warning"}),
}


@pytest.mark.parametrize("case", LOCKS)
def test_locks(case: str) -> None:
    lock, method, wanted = LOCKS[case]
    assert severities(container.lock, seen(source={"lock": lock}, method=method)) == wanted


def test_a_stale_lock_is_cleared_where_the_node_keeps_it_and_only_if_its_owner_is_dead() -> None:
    conf = scene.facts.VzConf(values={"LOCKDIR": "/var/lib/vz lock"})
    objection = the_one(container.lock, seen(source={"lock": Lock(held=True, pid=77), "conf": conf}))
    assert objection.command == "test -d /proc/77 || rm -f '/var/lib/vz lock/101.lck'"


def test_a_living_lock_is_never_offered_for_deletion() -> None:
    objection = the_one(container.lock, seen(source={"lock": Lock(held=True, pid=77, alive=True)}))
    assert objection.command == "ps -o pid,etime,args -p 77"


@pytest.mark.parametrize(
    ("tool", "method", "severity"),
    [
        ("vzdump", "stream", "blocker"),
        ("vzmigrate", "auto", "blocker"),
        ("vzctl", "live", "warning"),
        ("vzctl", "stream", "note"),
    ],
)
def test_other_tools_at_work(tool: str, method: str, severity: str) -> None:
    facts = seen(source={"at_work": (ToolAtWork(pid=42, tool=tool),)}, method=method)
    objection = the_one(container.other_tools, facts)
    assert (objection.severity, objection.command) == (severity, "ps -o pid,etime,args -p 42")
    assert f"{tool} (process 42)" in objection.text


OLD_BUSINESS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "none": ({}, {}),
    "arriving with another": ({"incoming_for": 3}, {"arriving-at-source": "blocker"}),
    "kept by another": (
        {"retained_for": 3, "retained_until_epoch": 1_800_000_000, "retained_state": "kept"},
        {"old-copy-source": "blocker"},
    ),
    "kept once, deleted since": ({"retained_for": 3, "retained_state": "retired"}, {}),
    "a date that is none": (
        {"retained_for": 3, "retained_until_epoch": 2**62, "retained_state": "kept"},
        {"old-copy-source": "blocker"},
    ),
}


@pytest.mark.parametrize("case", OLD_BUSINESS)
def test_old_business_on_the_source(case: str) -> None:
    changes, wanted = OLD_BUSINESS[case]
    assert severities(container.old_business, seen(source={"fence": fence(**changes)})) == wanted


PRIVATE = Leftover(kind="private", path="/vz/private/101")
MIGRATED = Leftover(kind="conf.migrated", path="/etc/vz/conf/101.conf.migrated")
ROOT = Leftover(kind="root", path="/vz/root/101")
CONF = Leftover(kind="conf", path="/etc/vz/conf/101.conf")
ASIDE = Leftover(kind="conf.ovz-m3", path="/etc/vz/conf/101.conf.ovz-m3")
KEPT = fence(retained_for=3, retained_until_epoch=1_767_225_600, retained_state="kept")
MARK = Leftover(kind="incoming", path="/var/lib/ovzgate/incoming/101")

NUMBERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "free": ({}, {}),
    "taken": ({"target": {"state": DOWN, "leftovers": (PRIVATE,)}}, {"number-taken": "blocker"}),
    "taken and running": ({"target": {"state": RUNNING}}, {"number-taken": "blocker"}),
    "a private area": ({"target": {"leftovers": (PRIVATE,)}}, {"leftovers": "blocker"}),
    "an old configuration's name": ({"target": {"leftovers": (MIGRATED,)}}, {"leftovers": "note"}),
    "a mount point, stream": ({"target": {"leftovers": (ROOT,)}}, {"leftovers": "note"}),
    "a mount point, dump": ({"target": {"leftovers": (ROOT,)}, "method": "dump"}, {"leftovers": "blocker"}),
    "this migration's own mark": (
        {"target": {"leftovers": (MARK, PRIVATE), "fence": fence(incoming_for=7), "state": DOWN}},
        {},
    ),
    "another's mark": (
        {"target": {"leftovers": (MARK, PRIVATE), "fence": fence(incoming_for=3)}},
        {"number-reserved": "blocker"},
    ),
    "an old copy": (
        {"target": {"leftovers": (PRIVATE, MIGRATED, ROOT), "fence": KEPT}, "method": "dump"},
        {"old-copy-target": "note"},
    ),
    "an old copy and something else": (
        {"target": {"leftovers": (PRIVATE, CONF), "fence": KEPT}},
        {"old-copy-target": "note", "leftovers": "blocker"},
    ),
    "an old copy that was started by hand": (
        {"target": {"leftovers": (PRIVATE, CONF), "fence": KEPT, "state": RUNNING}},
        {"old-copy-target": "note", "number-taken": "blocker"},
    ),
    "an old copy that is being made": (
        {"target": {"fence": fence(retained_for=3, retained_state="fencing")}},
        {"old-copy-target": "blocker"},
    ),
    "old copies that were moved aside": ({"target": {"leftovers": (ASIDE,)}}, {}),
    "an old copy that is deleted": ({"target": {"fence": fence(retained_for=3, retained_state="retired")}}, {}),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_the_number_on_the_target(case: str) -> None:
    changes, wanted = NUMBERS[case]
    assert severities(number.number_is_free, seen(**changes)) == wanted


def test_an_old_copy_is_told_with_its_date() -> None:
    objection = the_one(number.number_is_free, seen(target={"fence": KEPT}))
    assert objection.text.startswith("An old copy of migration 3 is kept on node-2 until 2026-01-01 00:00 UTC")


def test_leftovers_are_named_and_moved_aside_not_deleted() -> None:
    dump = Leftover(kind="dump", path="/vz/dump/Dump.101; rm -rf /")
    objection = the_one(number.number_is_free, seen(target={"leftovers": (PRIVATE, MIGRATED, dump)}))
    assert "/vz/private/101" in objection.text
    assert objection.command.startswith("mv -T /vz/private/101 /vz/private/101.aside && mv -T '/vz/dump/Dump.101; rm")
    assert "conf.migrated" not in objection.command


NAMES: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "nobody's": ("shop", {"mail": "150"}, {}),
    "another's": ("shop", {"shop": "150"}, {"name-taken": "blocker"}),
    "another's, but for case and width": ("shop", {"\uff33HOP": "150"}, {"name-taken": "blocker"}),
    "its own": ("shop", {"shop": "101"}, {}),
    "no name": ("", {"": "150"}, {}),
}


@pytest.mark.parametrize("case", NAMES)
def test_names(case: str) -> None:
    name, there, wanted = NAMES[case]
    facts = seen(source={"config": config(NAME=name)}, target={"container_names": there})
    assert severities(number.name_is_free, facts) == wanted
