"""Odd values in the forms of duties, rules, freeze periods and batches: refused at their field, never a stumble."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import make_batch, make_container, make_item, make_node
from tests.web.test_odd_input import ODD, rows

TERMS = {"time_zone": "UTC", "most_at_once": "4", "most_per_node": "2", "most_per_link": "1", "most_per_customer": "1"}
FORMS: dict[str, dict[str, str]] = {
    "node-duty": {"duty": "draining", "note": ""},
    "node-rules": {"cpu_overcommit": "2", "cpu_limit_percent": "80", "tags": "ssd"},
    "container-rules": {"pinned": "on", "pin_reason": "Licence", "requires": "ssd", "apart_group": "db"},
    "freeze-periods": {
        "name": "Sale",
        "scope": "node",
        "node": "0",
        "starts_at": "2099-01-01T00:00",
        "ends_at": "2099-01-02T00:00",
    },
    "batch-terms": TERMS | {"canaries": "1", "opens_at": "22:00", "closes_at": "04:00", "deadline": "2099-01-01T00:00"},
}
# Fields in which nothing of the odd is fine.
STRICT = {
    "node-duty": ("duty",),
    "node-rules": ("cpu_overcommit",),
    "container-rules": (),
    "freeze-periods": ("scope", "node", "starts_at", "ends_at"),
    "batch-terms": ("time_zone", "most_at_once", "most_per_link"),
}
# Odd elsewhere, and plain numbers here: digits of another width, and a factor that is within bounds.
FINE = {("cpu_overcommit", "full width"), ("most_at_once", "full width"), ("most_per_link", "full width")}
FIELDS = [(form, field) for form, fields in FORMS.items() for field in fields]


@pytest.fixture
def staff(client: Client, ada: User) -> Client:
    client.force_login(ada)
    client.post(reverse("time-zone"), {"time_zone": "Europe/Berlin"})
    return client


def address(form: str) -> str:
    if form == "freeze-periods":
        return reverse(form)
    made: Any = {"node-duty": make_node, "node-rules": make_node, "container-rules": make_container}.get(form)
    return reverse(form, args=[(made or make_batch)().pk])


@pytest.mark.parametrize(("form", "field"), FIELDS)
def test_it_is_refused_at_its_field_or_harmless(staff: Client, form: str, field: str) -> None:
    url = address(form)
    before = rows()
    for kind, value in ODD.items():
        answer = staff.post(url, FORMS[form] | {field: value})
        assert answer.status_code in (302, 422), kind
        assert b"<script>alert" not in answer.content, kind
        if field in STRICT[form] and (field, kind) not in FINE:
            assert answer.status_code == 422, kind
    lines = {name: count for name, count in rows().items() if name not in ("AuditLine", "AuditHead")}
    assert lines == {name: before[name] for name in lines}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_reason_for_skipping_is_text(staff: Client, kind: str) -> None:
    batch = make_batch()
    item = make_item(batch)
    answer = staff.post(reverse("batch-item-skip", args=[item.pk]), {"reason": ODD[kind]}, follow=True)
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content
