"""vzctl create and destroy."""

from __future__ import annotations

import os
import tempfile

from . import guest_template, paths, shellconf, spawn, vzctl_set
from .call import Call
from .container import Container
from .exits import CONF_COPY, MOUNTED, NO_TEMPLATE, PLOOP_UNSUPPORTED, PRIVATE_EXISTS, RESOURCES, RUNNING, VzError

OWN_OPTIONS = ("--ostemplate", "--layout", "--config", "--conf")
RESERVED_CTIDS = 100
BASIC = {
    "PHYSPAGES": "0:256M",
    "SWAPPAGES": "0:512M",
    "DISKSPACE": "2G:2.2G",
    "DISKINODES": "131072:144179",
    "QUOTATIME": "0",
    "CPUUNITS": "1000",
    "VE_ROOT": "/vz/root/$VEID",
    "VE_PRIVATE": "/vz/private/$VEID",
}
RM_ME = "/vz/vztmp"


def create(call: Call) -> int:
    own, rest = _split(call.options)
    wish = vzctl_set.read_wish([*rest, "--save"])
    template = own.get("--ostemplate") or call.ct.settings.get("DEF_OSTEMPLATE", guest_template.NAME)
    _refuse(call, own, template)
    sample = own.get("--config") or own.get("--conf") or call.ct.settings.get("CONFIGFILE", "basic")
    shellconf.save(call.ct.conf, {**_sample(sample), **wish.settings, "OSTEMPLATE": template, "ORIGIN_SAMPLE": sample})
    ct = Container(call.ct.ctid)
    try:
        _fill(call, ct, template, wish.settings.get("HOSTNAME", ct.hostname))
    except BaseException:
        os.unlink(ct.conf)
        raise
    call.voice.say("Performing postcreate actions")
    vzctl_set.fulfil(call._replace(ct=ct), wish)
    call.voice.say("Container private area was created")
    return 0


def _split(options: list[str]) -> tuple[dict[str, str], list[str]]:
    own: dict[str, str] = {}
    rest: list[str] = []
    words = iter(options)
    for word in words:
        name, equals, value = word.partition("=")
        if name in OWN_OPTIONS:
            own[name] = value if equals else next(words, "")
        else:
            rest.append(word)
    return own, rest


def _refuse(call: Call, own: dict[str, str], template: str) -> None:
    ct = call.ct
    if ct.ctid <= RESERVED_CTIDS:
        raise VzError(RESOURCES, f"CTIDs up to {RESERVED_CTIDS} are reserved")
    if own.get("--layout", ct.settings.get("VE_LAYOUT", "simfs")).startswith("ploop"):
        raise VzError(PLOOP_UNSUPPORTED, "This version of vzctl is compiled without ploop support")
    if template != guest_template.NAME:
        raise VzError(NO_TEMPLATE, f"Cached OS template /vz/template/cache/{template}.tar.gz does not exist")
    if ct.has_conf or os.path.exists(ct.private):
        raise VzError(PRIVATE_EXISTS, f"Private area already exists in {ct.private}")


def _sample(name: str) -> dict[str, str]:
    path = f"{paths.CONF_DIR}/ve-{name}.conf-sample"
    if os.path.exists(path):
        return {**BASIC, **shellconf.read(path)}
    if name != "basic":
        raise VzError(CONF_COPY, f"Sample config {path} not found")
    return dict(BASIC)


def _fill(call: Call, ct: Container, template: str, hostname: str) -> None:
    call.voice.say(f"Creating container private area ({template})")
    draft = tempfile.mkdtemp(prefix=f"{os.path.basename(ct.private)}.tmp", dir=os.path.dirname(ct.private))
    os.chmod(draft, 0o755)
    guest_template.unpack(draft, hostname)
    os.rename(draft, ct.private)
    os.makedirs(ct.root, exist_ok=True)


def destroy(call: Call) -> int:
    ct = call.ct
    if ct.running:
        raise VzError(RUNNING, "Container is currently running. Stop it first.")
    if ct.mounted:
        raise VzError(MOUNTED, "Container is currently mounted. Unmount it first.")
    call.voice.say(f"Destroying container private area: {ct.private}")
    _remove_private(ct.private)
    if name := ct.own.get("NAME"):
        _unlink(f"{paths.NAMES_DIR}/{name}")
    _unlink(ct.dump_file)
    os.replace(ct.conf, f"{ct.conf}.destroyed")
    if os.path.isdir(ct.root):
        os.rmdir(ct.root)
    call.voice.say("Container private area was destroyed")
    return 0


def _remove_private(private: str) -> None:
    """Move the area out of the way at once; the deleting itself goes on in the background."""
    if os.path.islink(private):
        os.unlink(private)
    elif os.path.isdir(private):
        os.makedirs(RM_ME, exist_ok=True)
        doomed = tempfile.mkdtemp(prefix="vzctl-rm-me.", dir=RM_ME)
        os.rename(private, f"{doomed}/area")
        with open(os.devnull, "r+b") as nothing:
            silent = nothing.fileno()
            spawn.start(["setsid", "rm", "-rf", doomed], stdin=silent, stdout=silent, stderr=silent)


def _unlink(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
