"""Ganeti's hbal and hail on a fleet file: written as their text format, run, and read back as a mapping.

What may be used of a node is given to them as all there is of it, so that their limits are the fleet's. Ganeti counts
the disk of shared storage nowhere, so disk goes in as spindles, of which it keeps account: one per GiB, rounded up for
containers and down for nodes.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
from pathlib import Path
from typing import Any

HAIL = "/usr/lib/ganeti/iallocators/hail"
GROUP = "everything"
MIB_PER_SPINDLE = 1024
CLUSTER_TAGS = ["htools:iextags:apart", "htools:migration:has", "htools:allowmigration:has:vz6::has:vz7"]
# One vCPU per CPU and one container's spindle per spindle: what is given is what there is.
RATIOS = "1.0|1.0"
LEAST = "0,1,0,1,0,0"
MOST = "9999999,9999,99999999,16,8,999999"


class Unfinished(RuntimeError):
    """It had used up its processor time before it came to an end."""


def hbal(fleet: dict[str, Any], folder: Path, *extra: str, cpu_limit_s: float) -> dict[str, str]:
    """Let hbal balance the fleet, or empty its drained nodes with ``--evac-mode``; return who moved where.

    :raises Unfinished: it needs more processor time than that.
    """
    state = folder / "fleet.data"
    state.write_text(as_text(fleet))
    saved = folder / "after"
    pinned = [ct["name"] for ct in fleet["containers"] if ct["pinned"]]
    keep = ["--exclude-instances=" + ",".join(pinned)] if pinned else []
    _run(["hbal", "-q", "-t", str(state), "-S", str(saved), *keep, *extra], cpu_limit_s)
    return _moved(fleet, Path(f"{saved}.balanced").read_text())


def hail(fleet: dict[str, Any], folder: Path) -> dict[str, str]:
    """Ask hail for a node for each container of a drained node, one after the other, as Ganeti would."""
    drained = {node["name"] for node in fleet["nodes"] if node["drained"]}
    leaving = [ct for ct in fleet["containers"] if ct["node"] in drained]
    state = folder / "state.data"
    state.write_text(as_text(fleet, without=drained))
    for ct in sorted(leaving, key=lambda ct: -float(ct["mem"])):
        request = folder / "request.json"
        request.write_text(json.dumps(_allocation(ct)))
        able = [node["name"] for node in fleet["nodes"] if set(ct["requires"]) <= set(node["tags"])]
        saved = folder / "asked"
        post = Path(f"{saved}.post-ialloc")
        post.unlink(missing_ok=True)
        allowed = "--restrict-allocation-to=" + ",".join(able)
        _run([HAIL, "-t", str(state), "-S", str(saved), "--no-capacity-checks", allowed, str(request)])
        if post.exists():
            state.write_text(post.read_text())
    return _moved(fleet, state.read_text())


def as_text(fleet: dict[str, Any], without: set[str] | None = None) -> str:
    """Return the fleet as htools(1) reads it; containers on the nodes of ``without`` are left out."""
    staying = [ct for ct in fleet["containers"] if ct["node"] not in (without or ())]
    held: dict[str, list[dict[str, Any]]] = {node["name"]: [] for node in fleet["nodes"]}
    for ct in staying:
        held[ct["node"]].append(ct)
    nodes = [_node(node, fleet["limits"], held[node["name"]]) for node in fleet["nodes"]]
    instances = [_instance(ct) for ct in staying]
    templates = "ext,diskless,plain,drbd,file,sharedfile,blockdev,rbd,gluster"
    policies = [f"{owner}|{LEAST}|{LEAST};{MOST}|{templates}|{RATIOS}" for owner in ("", GROUP)]
    return "\n\n".join(
        ["\n".join(part) for part in ([f"{GROUP}|uuid-1|preferred||"], nodes, instances, CLUSTER_TAGS, policies)]
    )


def _node(node: dict[str, Any], limits: dict[str, float], held: list[dict[str, Any]]) -> str:
    mem, cpu = math.floor(limits["mem"] * node["mem"]), math.floor(limits["cpu"] * node["cpu"])
    spindles = math.floor(limits["disk"] * node["disk"] / MIB_PER_SPINDLE)
    free = mem - sum(ct["mem"] for ct in held)
    offline = "Y" if node["drained"] else "N"
    newest = "has:vz7" if "vz7" in node["tags"] else "has:vz6"
    disk = node["disk"]
    return f"{node['name']}|{mem}|0|{free}|{disk}|{disk}|{cpu}|{offline}|uuid-1|{spindles}|{newest}|N|{spindles}|0|1.0"


def _instance(ct: dict[str, Any]) -> str:
    tags = f"apart:{ct['group']}" if ct["group"] else ""
    sizes = f"{ct['name']}|{ct['mem']}|{ct['disk']}|{ct['cpu']}"
    return f"{sizes}|running|Y|{ct['node']}||ext|{tags}|{_spindles(ct)}|-|N"


def _spindles(ct: dict[str, Any]) -> int:
    return math.ceil(float(ct["disk"]) / MIB_PER_SPINDLE)


def _allocation(ct: dict[str, Any]) -> dict[str, Any]:
    request = {
        "type": "allocate",
        "name": ct["name"],
        "memory": ct["mem"],
        "vcpus": ct["cpu"],
        "spindle_use": _spindles(ct),
        "disk_space_total": ct["disk"],
        "disks": [{"size": ct["disk"], "mode": "w"}],
        "disk_template": "ext",
        "required_nodes": 1,
        "tags": [f"apart:{ct['group']}"] if ct["group"] else [],
        "nics": [],
        "os": "none",
        "hypervisor": "kvm",
    }
    # The state comes as text beside it, but these have to be there.
    rest: dict[str, Any] = {"nodegroups": {}, "nodes": {}, "instances": {}, "ipolicy": {}}
    return {"request": request, "cluster_tags": [], "enabled_hypervisors": ["kvm"], **rest}


def _moved(fleet: dict[str, Any], text: str) -> dict[str, str]:
    home = {ct["name"]: ct["node"] for ct in fleet["containers"]}
    lines = [line.split("|") for line in text.split("\n\n")[2].splitlines()]
    return {words[0]: words[6] for words in lines if home[words[0]] != words[6]}


def _run(command: list[str], cpu_limit_s: float | None = None) -> None:
    limited = command if cpu_limit_s is None else ["prlimit", f"--cpu={math.ceil(cpu_limit_s)}", *command]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    if -done.returncode in (signal.SIGXCPU, signal.SIGKILL):
        raise Unfinished(f"{command[0]} was stopped after {cpu_limit_s:g} s of processor time")
    # 1 is hbal's word for a job that failed, and there are none here; hail says in its answer what it could not do.
    if done.returncode not in (0, 1) or "rror" in done.stderr:
        raise RuntimeError(f"{command[0]}: {done.stderr[:400] or done.stdout[:400]}")
