"""Odd values in every field and every address: refused by name or ignored, never a stumble, never a row."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse

from migrations_app.models import Container, Customer
from tests.conftest import PASSWORD
from tests.factories import make_batch, make_container, make_migration, make_node
from tests.web.routes import routes

ODD = {
    "nothing": "",
    "blanks": " \t ",
    "NUL": "a\0b",
    "line break": "a\r\nBcc: b@example.net",
    "emoji": "🦆" * 30,
    "right to left": "\u202egnp.exe",
    "full width": "\uff11\uff12\uff13",
    "very long": "x" * 10_000,
    "very long number": "9" * 10_000,
    "negative": "-1",
    "zero": "0",
    "past 64 bits": str(2**64),
    "not a number": "nan",
    "infinite": "inf",
    "too great": "1e309",
    "markup": "<script>alert(1)</script>",
    "shell": "$(id);`id`|id",
    "option": "-oProxyCommand=id",
    "path": "../../etc/passwd",
    "quotes": "' OR 1=1 --\"",
    "hour that is skipped": "2026-03-29T02:30",
    "hour that is doubled": "2026-10-25T02:30",
    "no such day": "2027-02-29T12:00",
    "year 1": "0001-01-01T00:00",
    "year 9999": "9999-12-31T23:59",
    "offset": "9999-12-31T23:59-14:00",
    "loopback": "127.0.0.1",
    "loopback 6": "::1",
    "metadata": "169.254.169.254",
    "any address": "0.0.0.0",
    "mapped": "::ffff:127.0.0.1",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "one number": "2130706433",
    "zone": "fe80::1%eth0",
    "localhost": "localhost.",
}
# The real one takes long on purpose, also for whom nobody knows.
QUICK_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
NODE = {"name": "node-9", "address": "192.0.2.99", "port": "22"}
PLAN = {
    "target": "",
    "method": "auto",
    "start": "later",
    "not_before": "2027-01-01T00:00",
    "window_ends_at": "2027-01-01T06:00",
    "bandwidth_limit_mib": "10",
    "freeze_budget_seconds": "2",
}
QUERIES = {
    "containers": ("q", "node", "status", "sort", "page"),
    "containers-csv": ("q", "node", "status", "sort"),
    "migrations": ("state", "page"),
    "migration-log": ("after",),
    "migration-live": ("seen", "heard"),
    "node-live": ("seen", "heard"),
    "overview-live": ("seen", "heard"),
    "sign-in": ("next",),
    "batches": ("page",),
    "batch": ("page",),
    "batch-live": ("seen", "heard"),
}
# Odd elsewhere, and what they say here: host names of three letters, plain numbers, digits of another width.
FINE = {(field, kind) for field in ("name", "address") for kind in ("not a number", "infinite", "too great")} | {
    ("port", "full width"),
    ("bandwidth_limit_mib", "full width"),
    ("freeze_budget_seconds", "full width"),
    ("freeze_budget_seconds", "short"),
}


@pytest.fixture
def container(client: Client, ada: User) -> Container:
    client.force_login(ada)
    client.post(reverse("time-zone"), {"time_zone": "Europe/Berlin"})
    return make_container()


def rows() -> dict[str, int]:
    """Count what the panel holds, sessions and failed sign-ins apart."""
    models = apps.get_app_config("migrations_app").get_models()
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.mark.parametrize("field", NODE)
def test_no_node_is_added_by_it(client: Client, container: Container, field: str) -> None:
    before = rows()
    for kind, value in ODD.items():
        if (field, kind) in FINE:
            continue
        response = client.post(reverse("node-add"), NODE | {field: value})
        assert response.status_code == 422, kind
        assert field in response.context["form"].errors, kind
    assert rows() == before


@pytest.mark.parametrize("field", ["target", "method", "start", "not_before"])
def test_no_move_is_scheduled_by_it(client: Client, container: Container, field: str) -> None:
    plan = PLAN | {"target": make_node().pk}
    before = rows()
    for kind, value in ODD.items():
        response = client.post(reverse("schedule", args=[container.pk]), plan | {field: value})
        assert response.status_code == 422, kind
        assert field in response.context["form"].errors, kind
    assert rows() == before


@pytest.mark.parametrize("field", ["window_ends_at", "bandwidth_limit_mib", "freeze_budget_seconds"])
def test_no_odd_limit_gets_into_a_plan(client: Client, container: Container, field: str) -> None:
    plan = PLAN | {"target": make_node().pk}
    before = rows()
    for kind, value in ODD.items():
        if not value.strip() or (field, kind) in FINE:
            continue
        response = client.post(reverse("schedule", args=[container.pk]), plan | {field: value})
        assert response.status_code == 422, kind
        assert field in response.context["form"].errors, kind
    assert rows() == before


@pytest.mark.parametrize(("name", "field"), [("node-pin", "shown_key"), ("container-owner", "owner")])
def test_it_pins_no_key_and_gives_no_container_away(
    client: Client, container: Container, shop: Customer, name: str, field: str
) -> None:
    number = container.node_id if name == "node-pin" else container.pk
    pinned = container.node.host_key
    for kind, value in ODD.items():
        assert client.post(reverse(name, args=[number]), {field: value}).status_code == 302, kind
    container.refresh_from_db()
    assert container.owner is None
    assert container.node.host_key == pinned


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in QUERIES.items() for field in fields])
def test_a_query_chooses_nothing_by_it(client: Client, container: Container, name: str, field: str) -> None:
    route = next(route for route in routes() if route.name == name)
    numbers = {"node-live": container.node_id, "batch": make_batch().pk, "batch-live": make_batch().pk}
    url = route.url(numbers.get(name) or make_migration(container=container).pk)
    if name == "sign-in":
        client.logout()
    for kind, value in ODD.items():
        response = client.get(url, {field: value})
        assert response.status_code < 400, kind
        assert b"<script>alert" not in response.getvalue(), kind


@pytest.mark.parametrize("field", ["username", "password", "next", "time_zone"])
@override_settings(PASSWORD_HASHERS=[QUICK_HASHER, *settings.PASSWORD_HASHERS])
def test_nobody_comes_in_by_it(client: Client, ada: User, field: str) -> None:
    for kind, value in ODD.items():
        said = {"username": f"nobody {kind}", "password": "wrong"} | {field: value}
        assert client.post(reverse("sign-in"), said).status_code in (200, 429), kind
        assert "_auth_user_id" not in client.session, kind


@pytest.mark.parametrize(
    "place", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_host(client: Client, ada: User, place: str) -> None:
    said = {"username": "ada", "password": PASSWORD, "next": place}
    assert client.post(reverse("sign-in"), said)["Location"] == reverse("home")


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "utf-16", "no-such"])
def test_an_odd_character_set_is_no_stumble(client: Client, container: Container, charset: str) -> None:
    """Some of them decode to half a character, which no database takes and no page can show."""
    odd = r"\ud800+2AA-"
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    fields = ("username", "password", "name", "address", "shown_key", "owner", "time_zone", "not_before")
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{odd}\r\n' for field in fields)
    for route in sorted(routes(), key=lambda route: route.name == "sign-out"):
        url = route.url(container.node_id)
        assert client.generic("POST", url, f"{body}--b--\r\n", content_type=kind).status_code < 500, route.name
        query = {"q": odd, "sort": odd, "page": odd, "next": odd}
        assert client.get(url, query, CONTENT_TYPE=kind).status_code < 500, route.name
    assert client.generic("POST", reverse("sign-in"), f"{body}--b--\r\n", content_type=kind).status_code < 500


@pytest.mark.parametrize("shown", ["http://[", "http://testserver:99999999/", "//", "x" * 9_000])
def test_an_odd_current_page_of_a_poll_is_no_stumble(client: Client, db: None, shown: str) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": shown}
    response = client.get(reverse("migration-live", args=[5]), headers=page)
    assert response.status_code < 400
    assert response["HX-Redirect"].startswith(reverse("sign-in"))
