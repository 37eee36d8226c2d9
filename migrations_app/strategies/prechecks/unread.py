"""A question without an answer is a finding of its own: what cannot be seen is not taken to be well."""

from __future__ import annotations

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts, Unread
from migrations_app.strategies.prechecks.network import is_about_ipv6

# Without these nobody can say whether the move is safe.
ESSENTIAL = frozenset(
    {"kernel", "tools", "service", "disk", "clock", "ct_status", "ct_config", "ct_size", "ct_lock", "ct_leftovers"}
    | {"fence_state", "veip"}
)
# Asked of what runs, or answered by a rule of its own.
ANSWERS_WHILE_RUNNING = frozenset({"ct_resources", "ct_mounts"})
BY_HAND = {
    "kernel": "uname -rm; cat /proc/vz/version",
    "tools": "vzctl --version; rsync --version | head -1",
    "service": "/etc/init.d/vz status",
    "disk": "df -Pk /vz; df -Pi /vz",
    "clock": "date +%s.%N",
    "memory": "cat /proc/meminfo",
    "vzconf": "cat /etc/vz/vz.conf",
    "ntp": "pgrep -l 'chronyd|ntpd|systemd-timesyn'",
    "veip": "cat /proc/vz/veip",
    "names": "vzlist -aHo ctid,name",
    "ct_status": "vzctl status {ctid}",
    "ct_config": "cat /etc/vz/conf/{ctid}.conf",
    "ct_size": "vzlist -aHo diskspace,diskinodes {ctid}; du -sxk /vz/private/{ctid}",
    "ct_lock": "cat /vz/lock/{ctid}.lck",
    "ct_leftovers": "ls -d /etc/vz/conf/{ctid}.conf* /vz/private/{ctid} /vz/root/{ctid}",
    "fence_state": "ls -l /var/lib/ovzgate/fence /var/lib/ovzgate/incoming /var/lib/ovzgate/retained",
}


def unread_facts(facts: Facts) -> list[Objection]:
    found = [unread for unread in facts.unread if not _is_no_wonder(facts, unread)]
    by_question = {(unread.side, unread.fact): unread for unread in found}
    return [_objection(facts, unread) for unread in by_question.values()]


def _is_no_wonder(facts: Facts, unread: Unread) -> bool:
    """A container that is not there has no configuration, and one that does not run no mounts."""
    if is_about_ipv6(unread) or (unread.fact == "arp_owner" and "no device of this node" in unread.refusal.seen):
        return True
    if unread.side != "source" or facts.source.state is None:
        return False
    if not facts.source.state.exists:
        return unread.fact.startswith("ct_")
    return unread.fact in ANSWERS_WHILE_RUNNING and not facts.runs


def _objection(facts: Facts, unread: Unread) -> Objection:
    ctid = facts.order.ctid if unread.side == "source" else facts.order.target_ctid
    by_hand = BY_HAND.get(unread.fact, "").format(ctid=ctid)
    return Objection(
        check_id=f"fact-unreadable-{unread.fact.replace('_', '-')}-{unread.side}",
        text=f"{unread.node} did not answer a question of the pre-check: {unread.refusal}.",
        way_out=f"Look on {unread.node} what stands in the way, then retry.",
        command=by_hand,
        severity="blocker" if unread.fact in ESSENTIAL else "warning",
    )
