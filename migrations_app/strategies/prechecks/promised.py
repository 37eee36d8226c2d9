"""Has anybody come to use an address that was promised to this container? Days may lie between promise and move."""

from __future__ import annotations

import ipaddress

from migrations_app.addresses import taken
from migrations_app.execution.outcome import Objection
from migrations_app.execution.step import Order
from migrations_app.models import Migration


def still_free(order: Order) -> list[Objection]:
    """The inventory as last scanned; what it does not know yet, the nodes and the wire tell."""
    if not order.new_addresses:
        return []
    container = Migration.objects.select_related("container").get(pk=order.migration_id).container
    users = taken.users(besides=container)
    found = {address: users.get(ipaddress.ip_address(address)) for address in order.new_addresses}
    in_use = [f"{address} is {user.words}" for address, user in found.items() if user and not user.is_promise]
    if not in_use:
        return []
    return [
        Objection(
            check_id="address-taken-meanwhile",
            text=f"Since it was promised to {order.ctid}: {'; '.join(in_use)}.",
            way_out="Take it off there, scan, then retry; or cancel, and schedule it with another address.",
        )
    ]
