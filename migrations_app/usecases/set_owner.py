"""Say whose a container is."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Container, Customer


@transaction.atomic
def set_owner(*, container: Container, customer: Customer | None, actor: User, now: datetime) -> None:
    """Give the container to the customer, or to nobody; from then on that customer sees it and gets its mail."""
    before = container.owner
    Container.objects.filter(pk=container.pk).update(owner=customer)
    container.owner = customer
    names = {"before": before and before.name, "after": customer and customer.name}
    trail.record("set_owner", str(container), actor=actor, now=now, **names)
