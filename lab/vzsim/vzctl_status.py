"""vzctl status: in a file of its own, because it is asked often and what the other verbs need takes long to load."""

from __future__ import annotations

from .call import Call


def status(call: Call) -> int:
    ct = call.ct
    words = [
        f"CTID {ct.ctid}",
        "exist" if ct.exists else "deleted",
        "mounted" if ct.mounted else "unmounted",
        "running" if ct.running else "down",
    ]
    print(" ".join(words) + (" suspended" if ct.suspended else ""))
    return 0
