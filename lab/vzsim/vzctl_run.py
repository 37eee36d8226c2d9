"""vzctl start, stop, restart, mount, umount and the quota verbs."""

from __future__ import annotations

import os

from . import action_scripts, arp, kernel_counters, kernel_files, lifecycle, network
from .call import Call
from .container import Container
from .exits import (
    ADDRESS_IN_USE,
    CANNOT_ADD_ADDRESS,
    MOUNTED,
    NO_PRIVATE,
    NOT_MOUNTED,
    RUNNING,
    START_DISABLED,
    VzError,
)

#: the original waits a whole second; on the lab's own switch an answer takes a thousandth
ARP_ANSWER_SECONDS = 0.05


def start(call: Call) -> int:
    options = call.parse(flags=("--wait", "--force", "--skip-fsck", "--skip-remount"))
    ct, say = call.ct, call.voice.say
    if ct.running:
        raise VzError(RUNNING, "Container is already running")
    if ct.settings.get("DISABLED") == "yes" and "--force" not in options:
        raise VzError(START_DISABLED, "Container start disabled")
    say("Starting container...")
    refuse_taken_addresses(ct, ct.addresses)
    mounted_before = ct.mounted
    if not mounted_before:
        _mount(call)
    try:
        _start(call)
    except VzError:
        if not mounted_before:
            _umount(call)
        raise
    if os.path.exists(ct.dump_file):
        os.unlink(ct.dump_file)
    if "--wait" in options:
        say("Container start in progress, waiting ...")
        say("Container started successfully")
    else:
        say("Container start in progress...")
    return 0


def _start(call: Call) -> None:
    ct, say = call.ct, call.voice.say
    if ct.settings.get("SKIP_ARPDETECT") != "yes":
        _look_for_duplicates(call)
    lifecycle.start(ct)
    kernel_files.refresh()
    kernel_counters.refresh()
    if ct.addresses:
        say(f"Adding IP address(es): {' '.join(ct.addresses)}")
    say(f"Setting CPU units: {ct.settings.get('CPUUNITS', '1000')}")
    action_scripts.run_inside(ct, "start")


def _look_for_duplicates(call: Call) -> None:
    """Warn of an address somebody else on the segment has; an error only where vz.conf wants it so."""
    for device in network.neighbour_devices():
        for address in call.ct.addresses:
            if ":" not in address and arp.somebody_has(device, address, seconds=ARP_ANSWER_SECONDS):
                warning = f"arpsend: {address} is detected on another computer"
                if call.ct.settings.get("ERROR_ON_ARPFAIL") == "yes":
                    raise VzError(CANNOT_ADD_ADDRESS, warning, f"Unable to add IP {address}")
                call.voice.complain(f"{warning}\nWARNING: arpsend -c 1 -w 1 -D -e {address} {device} FAILED")


def refuse_taken_addresses(ct: Container, addresses: list[str]) -> None:
    taken = kernel_files.addresses_here()
    for address in addresses:
        if taken.get(address, ct.ctid) != ct.ctid:
            raise VzError(ADDRESS_IN_USE, f"Unable to add IP {address}: Address already in use")


def _mount(call: Call) -> None:
    if not os.path.isdir(call.ct.private):
        raise VzError(NO_PRIVATE, f"Container private area {call.ct.private} does not exist")
    action_scripts.run_on_node(call.ct, "premount")
    lifecycle.mount(call.ct)
    try:
        action_scripts.run_on_node(call.ct, "mount")
    except VzError:
        lifecycle.umount(call.ct)
        raise
    call.voice.say("Container is mounted")


def mount(call: Call) -> int:
    if call.ct.mounted:
        raise VzError(MOUNTED, "Container is already mounted")
    _mount(call)
    return 0


def umount(call: Call) -> int:
    if call.ct.running:
        raise VzError(RUNNING, "Container is running -- stop it first")
    if not call.ct.mounted:
        raise VzError(NOT_MOUNTED, "CT is not mounted")
    _umount(call)
    return 0


def _umount(call: Call) -> None:
    action_scripts.run_on_node(call.ct, "umount")
    lifecycle.umount(call.ct)
    action_scripts.run_on_node(call.ct, "postumount")
    call.voice.say("Container is unmounted")


def stop(call: Call) -> int:
    options = call.parse(flags=("--fast", "--skip-umount"))
    ct, say = call.ct, call.voice.say
    if not ct.running:
        say("Unable to stop: container is not running")
        return 0
    say("Stopping container ...")
    action_scripts.run_inside(ct, "stop")
    patience = 0.0 if "--fast" in options else float(ct.settings["STOP_TIMEOUT"])
    if not lifecycle.stop(ct, seconds=patience):
        say("Killing container ...")
        lifecycle.kill(ct)
    lifecycle.close_network(ct)
    kernel_files.refresh()
    say("Container was stopped")
    if "--skip-umount" not in options and ct.mounted:
        _umount(call)
    return 0


def restart(call: Call) -> int:
    call.voice.say("Restarting container")
    if call.ct.running:
        stop(call._replace(options=[]))
    return start(call)


def quota(call: Call) -> int:
    """A node of the lab keeps no disk quota; turning it on or off changes nothing, as with DISK_QUOTA=no."""
    return 0
