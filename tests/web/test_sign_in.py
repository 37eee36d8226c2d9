"""Coming in and going out."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Customer
from tests.conftest import PASSWORD


def sign_in(client: Client, *, name: str = "ada", password: str = PASSWORD, **more: str) -> object:
    return client.post(reverse("sign-in"), {"username": name, "password": password} | more)


def test_it_lets_in_who_knows_the_password(client: Client, ada: User) -> None:
    response = sign_in(client)
    assert response["Location"] == reverse("home")
    assert client.get(reverse("home")).status_code == 200


def test_it_refuses_a_wrong_password_without_saying_which_half_was_wrong(client: Client, ada: User) -> None:
    known, unknown = sign_in(client, password="wrong"), sign_in(client, name="nobody", password="wrong")
    assert known.status_code == unknown.status_code == 200
    assert known.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()


def test_it_locks_out_who_guesses_and_nobody_else(client: Client, ada: User, boris: User) -> None:
    answers = [sign_in(client, password=f"guess {number}").status_code for number in range(6)]
    assert answers[:4] == [200] * 4
    assert answers[-1] == 429
    assert sign_in(client).status_code == 429
    assert sign_in(Client(REMOTE_ADDR="127.0.0.9")).status_code == 302  # the owner, from elsewhere
    assert sign_in(client, name="boris").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_it_never_sends_anybody_away_from_the_panel(client: Client, ada: User, target: str) -> None:
    assert sign_in(client, next=target)["Location"] == reverse("home")


def test_it_goes_on_to_the_page_that_was_asked_for(client: Client, ada: User) -> None:
    assert sign_in(client, next="/nodes/?x=1")["Location"] == "/nodes/?x=1"


def test_it_gives_a_new_session_on_signing_in(client: Client, ada: User) -> None:
    client.session.save()
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_signing_out_ends_the_session(client: Client, ada: User) -> None:
    sign_in(client)
    assert client.post(reverse("sign-out")).status_code == 302
    assert client.get(reverse("home")).status_code == 302


def test_times_are_in_the_browsers_zone(client: Client, ada: User) -> None:
    sign_in(client, time_zone="Asia/Tokyo")
    assert b"Times are shown in Asia/Tokyo" in client.get(reverse("home")).content


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Mars/Base", "x" * 5000, "Europe/Berlin\x00", ""])
def test_a_zone_that_is_none_is_not_believed(client: Client, ada: User, zone: str) -> None:
    sign_in(client, time_zone=zone)
    assert b"Times are shown in UTC" in client.get(reverse("home")).content


def test_a_customers_own_zone_comes_before_the_browsers(client: Client, shop: Customer) -> None:
    sign_in(client, name="carla", time_zone="Asia/Tokyo")
    assert b"Times are shown in Europe/Berlin" in client.get(reverse("home")).content


def test_a_chosen_zone_comes_before_all(client: Client, shop: Customer) -> None:
    sign_in(client, name="carla", time_zone="Asia/Tokyo")
    assert client.post(reverse("time-zone"), {"time_zone": "America/Lima"}).status_code == 302
    assert b"Times are shown in America/Lima" in client.get(reverse("home")).content


def test_who_owns_nothing_sees_nothing(client: Client, mallory: User) -> None:
    client.force_login(mallory)
    assert b"nothing has been assigned to you" in client.get(reverse("home")).content


@pytest.mark.parametrize("lab", [True, False])
def test_every_page_says_lab_where_the_nodes_are_simulated(client: Client, ada: User, settings, lab: bool) -> None:
    settings.OVZ = settings.OVZ | {"lab": lab}
    pages = [client.get(reverse("sign-in")).content]
    client.force_login(ada)
    pages += [client.get(reverse(name)).content for name in ("home", "nodes", "containers", "migrations", "runbook")]
    assert [b"lab-banner" in page for page in pages] == [lab] * 6
