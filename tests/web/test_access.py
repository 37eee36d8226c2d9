"""Who may see and do what, for every address there is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Customer
from tests.factories import make_container, make_migration
from tests.web.routes import CUSTOMERS_OWN, OPEN_TO_ALL, POST_ONLY, Route, routes, staff_routes


def named(route: Route) -> str:
    return route.name


def send(client: Client, route: Route, url: str) -> tuple[int, bytes]:
    response = client.post(url) if route.name in POST_ONLY else client.get(url)
    return response.status_code, response.content


@pytest.mark.django_db
@pytest.mark.parametrize("route", [r for r in routes() if r.name not in OPEN_TO_ALL], ids=named)
def test_it_sends_a_stranger_to_the_sign_in(client: Client, route: Route) -> None:
    response = client.post(route.url()) if route.name in POST_ONLY else client.get(route.url())
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("sign-in"))


@pytest.mark.parametrize("route", staff_routes(), ids=named)
@pytest.mark.parametrize("who", ["carla", "mallory"])
def test_it_hides_staff_pages_from_everybody_else(
    client: Client, request: pytest.FixtureRequest, shop: Customer, route: Route, who: str
) -> None:
    """What exists looks exactly like what does not."""
    migration = make_migration()
    client.force_login(request.getfixturevalue(who))
    there, nowhere = (send(client, route, route.url(value)) for value in (migration.pk, 987_654_321))
    assert there[0] == nowhere[0] == 404
    assert without_secrets(there[1]) == without_secrets(nowhere[1])


@pytest.mark.parametrize("name", sorted(CUSTOMERS_OWN))
def test_it_hides_one_customers_things_from_another(client: Client, shop: Customer, mallory: User, name: str) -> None:
    container = make_container(owner=shop)
    number = container.pk if name.startswith("my-server") else make_migration(container=container).pk
    client.force_login(mallory)
    theirs = client.get(reverse(name, args=[number]))
    nowhere = client.get(reverse(name, args=[987_654_321]))
    assert theirs.status_code == nowhere.status_code == 404
    assert without_secrets(theirs.content) == without_secrets(nowhere.content)


@pytest.mark.parametrize("name", sorted(CUSTOMERS_OWN))
def test_it_shows_a_customer_what_is_theirs(client: Client, shop: Customer, carla: User, name: str) -> None:
    container = make_container(owner=shop)
    number = container.pk if name.startswith("my-server") else make_migration(container=container).pk
    client.force_login(carla)
    assert client.get(reverse(name, args=[number])).status_code == 200


@pytest.mark.parametrize("route", [r for r in routes() if r.name in POST_ONLY], ids=named)
def test_it_changes_nothing_by_get(client: Client, ada: User, route: Route) -> None:
    client.force_login(ada)
    assert client.get(route.url()).status_code == 405


@pytest.mark.parametrize("route", list(routes()), ids=named)
def test_it_refuses_a_post_without_the_token(ada: User, route: Route) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(route.url()).status_code == 403


@pytest.mark.parametrize("route", [r for r in routes() if r.kinds and "name" not in r.kinds], ids=named)
def test_a_number_no_database_holds_is_merely_unknown(client: Client, ada: User, route: Route) -> None:
    client.force_login(ada)
    assert send(client, route, route.url(10**40))[0] == 404


def test_a_switched_off_account_is_out_at_its_next_click(client: Client, ada: User) -> None:
    client.force_login(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get(reverse("nodes")).status_code == 302


def test_a_role_taken_away_is_gone_at_the_next_click(client: Client, ada: User) -> None:
    client.force_login(ada)
    User.objects.filter(pk=ada.pk).update(is_staff=False)
    assert client.get(reverse("nodes")).status_code == 404


def test_no_cache_keeps_a_page(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "no-store" in client.get(reverse("home"))["Cache-Control"]


def test_a_poll_of_somebody_signed_out_takes_the_whole_page_to_the_sign_in(client: Client, db: None) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/migrations/5/"}
    response = client.get(reverse("migration-live", args=[5]), headers=page)
    assert response["HX-Redirect"] == f"{reverse('sign-in')}?next=/migrations/5/"
    assert response.content == b""


def without_secrets(body: bytes) -> list[bytes]:
    """Leave out the lines that differ with every answer: the form tokens."""
    return [line for line in body.splitlines() if b"csrfmiddlewaretoken" not in line]
