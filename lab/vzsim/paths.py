"""Where things are on a node."""

from __future__ import annotations

GLOBAL_CONF = "/etc/vz/vz.conf"
CONF_DIR = "/etc/vz/conf"
NAMES_DIR = "/etc/vz/names"
#: what an OpenVZ kernel shows under /proc
KERNEL_DIR = "/run/vzkernel/proc"
#: what the stand-in remembers of each container until the node goes down
STATE_DIR = "/run/vzsim/ct"
FAULTS = "/run/vzsim/faults.json"
CGROUP_DIR = "/sys/fs/cgroup"
NETNS_DIR = "/run/netns"
LOG = "/var/log/vzctl.log"
GUEST_TEMPLATE = "/usr/lib/lab-guest"
LAUNCHER = "/usr/lib/vzsim/launch.sh"


def state_dir(ctid: int) -> str:
    return f"{STATE_DIR}/{ctid}"
