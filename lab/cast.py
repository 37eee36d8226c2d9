"""Bring the demo's people and nodes into the panel, by the ways a person goes."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from lab.handle import LabNode
from lab.people import APPROVERS, CUSTOMERS, PASSWORD, STAFF
from migrations_app import wiring
from migrations_app.models import Container, Customer, Node
from migrations_app.usecases.add_node import add_node
from migrations_app.usecases.grant_right import grant_right
from migrations_app.usecases.pin_host_key import pin_host_key
from migrations_app.usecases.scan_node import scan_node
from migrations_app.usecases.set_owner import set_owner
from migrations_app.usecases.show_install_command import install_command_for


def people() -> User:
    """Make everybody, and return ada."""
    for name in STAFF:
        _user(name, is_staff=True)
    for name in APPROVERS:
        user = User.objects.get(username=name)
        grant_right(user=user, right="approve", given=True, actor=None, now=timezone.now())
    for name, (title, zone, _) in CUSTOMERS.items():
        user = _user(name, is_staff=False)
        Customer.objects.get_or_create(user=user, defaults={"name": title, "email": user.email, "time_zone": zone})
    return User.objects.get(username="ada")


def enlist(lab_node: LabNode, *, actor: User) -> Node:
    """Add a node, pin the key it shows if it is the right one, install the gate with the page's own command, scan."""
    node = add_node(name=lab_node.name, address=lab_node.address, port=22, actor=actor, now=timezone.now())
    scan_node(node_id=node.pk, outside=wiring.outside(), settings=settings.OVZ)
    node.refresh_from_db()
    if node.offered_host_key != lab_node.host_key:
        raise ValueError(f"{node} shows another host key than the lab gave it: {node.offered_host_key}")
    pin_host_key(node=node, shown_key=node.offered_host_key, actor=actor, now=timezone.now())
    wiring.panel_public_key()  # made here when this is the panel's first start
    lab_node.run(["sh", "-c", install_command_for(node=node, settings=settings.OVZ)])
    scan_node(node_id=node.pk, outside=wiring.outside(), settings=settings.OVZ)
    node.refresh_from_db()
    if node.state != Node.State.READY:
        raise ValueError(f"{node} is not ready: {node.fault} {node.fault_detail}")
    return node


def give_owners() -> None:
    ada = User.objects.get(username="ada")
    for name, (_, _, domain) in CUSTOMERS.items():
        for container in Container.objects.filter(hostname__endswith=domain, gone_at=None):
            set_owner(
                container=container, customer=Customer.objects.get(user__username=name), actor=ada, now=timezone.now()
            )


def _user(name: str, *, is_staff: bool) -> User:
    user, made = User.objects.get_or_create(
        username=name, defaults={"email": f"{name}@panel.example.com", "is_staff": is_staff}
    )
    if made:
        user.set_password(PASSWORD)
        user.save()
    return user
