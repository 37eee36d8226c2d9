"""vzctl set: change a container's file, and the container itself where it runs."""

from __future__ import annotations

import ipaddress
import os
from typing import NamedTuple

from . import holding_pen, kernel_files, network, parameters, paths, records, shellconf, spawn
from .call import Call
from .container import Container
from .exits import (
    ADDRESS_NOT_AVAILABLE,
    BAD_ADDRESS,
    BAD_PARAMETER,
    BAD_VALUE,
    NAME,
    NO_DISTRIBUTION_CONF,
    RUNNING,
    VzError,
)
from .parameters import PARAMETERS
from .vzctl_run import refuse_taken_addresses

ALONE = ("--save", "--force", "--reset_ub")
SPECIAL = ("--ipadd", "--ipdel", "--name", "--setmode", "--applyconfig", "--applyconfig_map", "--userpasswd")
DISTRIBUTIONS = ("lab-guest", "debian", "ubuntu", "centos", "fedora", "scientific", "suse", "alpine", "arch")


class Wish(NamedTuple):
    settings: dict[str, str]
    save: bool
    add: list[str]
    delete: list[str]
    name: str | None
    setmode: str
    map_name: bool


def set_(call: Call) -> int:
    return fulfil(call, read_wish(call.options))


def read_wish(options: list[str]) -> Wish:
    settings: dict[str, str] = {}
    special: dict[str, list[str]] = {}
    words = iter(options)
    for word in words:
        option, equals, value = word.partition("=")
        if word in ALONE:
            special[word] = []
            continue
        if option not in PARAMETERS and option not in SPECIAL:
            raise VzError(BAD_PARAMETER, f"Invalid option '{word}'")
        value = value if equals else next(words, "")
        if option in PARAMETERS:
            settings[PARAMETERS[option].key] = parameters.check(option, value)
        else:
            special.setdefault(option, []).append(value)
    return _wish(settings, special)


def _wish(settings: dict[str, str], special: dict[str, list[str]]) -> Wish:
    setmode = special.get("--setmode", [""])[-1]
    if setmode not in ("", "restart", "ignore"):
        raise VzError(BAD_VALUE, f"Bad parameter for --setmode: {setmode}")
    what = special.get("--applyconfig_map", [""])[-1]
    if what not in ("", "name"):
        raise VzError(BAD_VALUE, f"Bad parameter for --applyconfig_map: {what}")
    return Wish(
        settings=settings,
        save="--save" in special,
        add=[_address(word) for value in special.get("--ipadd", []) for word in value.split()],
        delete=[word for value in special.get("--ipdel", []) for word in value.split()],
        name=special["--name"][-1] if "--name" in special else None,
        setmode=setmode,
        map_name=what == "name",
    )


def _address(word: str) -> str:
    try:
        ipaddress.ip_interface(word)
    except ValueError as error:
        raise VzError(BAD_ADDRESS, f"Invalid IP address: {word}") from error
    return word


def fulfil(call: Call, wish: Wish) -> int:
    ct = call.ct
    changes: dict[str, str | None] = dict(wish.settings)
    if wish.add or wish.delete:
        addresses = _new_addresses(ct, wish)
        changes["IP_ADDRESS"] = " ".join(addresses)
        if ct.running:
            _apply_addresses(call, wish, [word.partition("/")[0] for word in addresses])
    if wish.name is not None or wish.map_name:
        name = wish.name if wish.name is not None else ct.own.get("NAME", "")
        _register_name(call, name)
        changes["NAME"] = name or None
    if ct.running:
        _apply(call, wish)
    return _save(call, changes, wish)


def _new_addresses(ct: Container, wish: Wish) -> list[str]:
    old = ct.own.get("IP_ADDRESS", "").split()
    if "all" in wish.delete:
        old = []
    gone = {word.partition("/")[0] for word in wish.delete}
    kept = [word for word in old if word.partition("/")[0] not in gone]
    return [*kept, *(word for word in wish.add if word not in kept)]


def _apply_addresses(call: Call, wish: Wish, wanted: list[str]) -> None:
    ct = call.ct
    now = records.addresses(ct)
    _need_distribution(ct)
    refuse_taken_addresses(ct, wanted)
    gone = [address for address in now if address not in wanted]
    new = [address for address in wanted if address not in now]
    if gone:
        call.voice.say(
            "Deleting all IP addresses" if "all" in wish.delete else f"Deleting IP address(es): {' '.join(gone)}"
        )
        network.forget(ct, gone)
        network.remove_inside(ct, gone)
    if new:
        call.voice.say(f"Adding IP address(es): {' '.join(new)}")
        _add_addresses(ct, new)
    records.remember_addresses(ct, wanted)
    kernel_files.refresh()


def _add_addresses(ct: Container, new: list[str]) -> None:
    if holding_pen.is_open(ct):
        raise VzError(ADDRESS_NOT_AVAILABLE, "Unable to add IP: container is suspended")
    if not network.has_device(ct):
        network.create_device(ct)
    network.add_inside(ct, new)
    network.attach(ct, new)
    network.announce(new)


def _need_distribution(ct: Container) -> None:
    template = ct.settings.get("OSTEMPLATE", "")
    if template and not template.lstrip(".").startswith(DISTRIBUTIONS):
        raise VzError(NO_DISTRIBUTION_CONF, f"Distribution config for {template} not found")


def _apply(call: Call, wish: Wish) -> None:
    ct = call.ct
    if hostname := wish.settings.get("HOSTNAME"):
        _need_distribution(ct)
        call.voice.say(f"Set hostname: {hostname}")
        spawn.must(["nsenter", "-t", str(ct.group.init()), "-u", "hostname", hostname])
    if units := wish.settings.get("CPUUNITS"):
        call.voice.say(f"Setting CPU units: {units}")
    late = [option for option, known in PARAMETERS.items() if known.at_start and known.key in wish.settings]
    if late and wish.setmode == "ignore":
        raise VzError(RUNNING, f"Unable to set {' '.join(late)} on running container")
    if late and wish.setmode != "restart":
        call.voice.say(f"WARNING: {' '.join(late)}: will be applied at the next start of the container")


def _register_name(call: Call, name: str) -> None:
    """Keep the link NAME -> configuration file; vzlist and the tools know names by it alone."""
    if not parameters.NAME.fullmatch(name) or name.isdigit():
        raise VzError(NAME, f"Invalid name: {name}")
    link = f"{paths.NAMES_DIR}/{name}"
    if name and os.path.islink(link) and os.readlink(link) != call.ct.conf and os.path.exists(link):
        raise VzError(NAME, f"Conflict: name {name} already used by {os.readlink(link)}")
    old = call.ct.own.get("NAME", "")
    for word in {old, name} - {""}:
        if os.path.islink(f"{paths.NAMES_DIR}/{word}"):
            os.unlink(f"{paths.NAMES_DIR}/{word}")
    if name:
        os.makedirs(paths.NAMES_DIR, exist_ok=True)
        os.symlink(call.ct.conf, link)
        call.voice.say(f"Name {name} assigned")


def _save(call: Call, changes: dict[str, str | None], wish: Wish) -> int:
    if wish.save:
        shellconf.save(call.ct.conf, changes)
        call.voice.say(f"CT configuration saved to {call.ct.conf}")
    else:
        call.voice.say("WARNING: Settings were not saved to config (use --save flag)")
    return 0
