"""The pages of names: servers, keys, zones, and differences."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import NameServer, Publication, UpdateKey, Zone
from migrations_app.usecases.publish_names import publish_names
from tests.factories import make_container, make_name_server, make_update_key
from tests.fakes.world import FakeWorld
from tests.zones.rig import FORWARD, KEY, NEW, OLD, Names, fall_behind, make_names

State = Publication.State
SECRET = "dGhlIGNhbmFyeSB0aGF0IG11c3Qgbm90IHNpbmcuLi4="


@pytest.fixture
def names(db: None, world: FakeWorld) -> Names:
    return make_names(world)


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def page(client: Client, row: Publication) -> str:
    return client.get(reverse("difference", args=[row.pk])).content.decode()


def post(client: Client, name: str, row: Publication, **data: str) -> Publication:
    client.post(reverse(name, args=[row.pk]), data)
    row.refresh_from_db()
    return row


def test_it_takes_a_server_a_key_and_a_zone(client: Client) -> None:
    client.post(reverse("name-server-add"), {"name": "ns1.example.net", "address": "192.0.2.53", "port": 53})
    client.post(reverse("update-key-add"), {"name": "panel", "algorithm": "hmac-sha256", "secret": SECRET})
    told = {"name": "example.net", "provider": "rfc2136", "primary": NameServer.objects.get().pk}
    answer = client.post(
        reverse("zone-add"), told | {"key": UpdateKey.objects.get().pk, "more_names": "www.example.net"}
    )
    zone = Zone.objects.get()
    assert answer["Location"] == reverse("zone", args=[zone.pk])
    assert zone.more_names == ["www.example.net"]
    body = client.get(reverse("names")).content.decode()
    assert "ns1.example.net" in body
    assert SECRET not in body + client.get(reverse("zone", args=[zone.pk])).content.decode()


def test_a_secret_is_not_given_back_even_where_the_form_is_refused(client: Client) -> None:
    answer = client.post(reverse("update-key-add"), {"name": "a b", "algorithm": "hmac-sha256", "secret": SECRET})
    assert answer.status_code == 422
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "told"),
    [("name", {"name": "a b"}), ("address", {"address": "127.0.0.1"}), ("port", {"port": "0"}),
     ("second_address", {"second_address": "::1"})],
)  # fmt: skip
def test_it_names_the_field_it_objects_to(client: Client, field: str, told: dict[str, str]) -> None:
    plain = {"name": "ns1.a.b", "address": "192.0.2.1", "port": "53"}
    answer = client.post(reverse("name-server-add"), plain | told)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not NameServer.objects.exists()


def test_it_asks_with_what_is_known_of_a_container(client: Client, names: Names) -> None:
    container = make_container(addresses=[OLD])
    url = reverse("container-names", args=[container.pk])
    assert f'value="{OLD}"' in client.get(url).content.decode()
    answer = client.post(url, {"old_1": OLD, "new_1": NEW, "ttl_seconds": "60"})
    row = Publication.objects.get()
    assert answer["Location"] == reverse("difference", args=[row.pk])
    assert (row.container, row.pairs, row.state) == (container, [[OLD, NEW]], State.WAITING)


@pytest.mark.parametrize(
    ("field", "told"),
    [("old_1", {"old_1": "1.2.3"}), ("new_1", {"new_1": "2001:db8::1"}), ("names", {"names": "a..b"}),
     ("ttl_seconds", {"ttl_seconds": "0"}), ("ttl_seconds", {"ttl_seconds": "99999999999"})],
)  # fmt: skip
def test_it_refuses_a_question_that_makes_no_sense(client: Client, field: str, told: dict[str, str]) -> None:
    answer = client.post(reverse("names-ask"), {"old_1": OLD, "new_1": NEW} | told)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Publication.objects.exists()


def test_it_shows_old_beside_new_with_every_reason(client: Client, names: Names) -> None:
    body = page(client, names.ask())
    for words in (f"<del>{OLD}</del>", f"<ins>{NEW}</ins>", "3600 → 60", "www.example.net is an alias of it",
                  "mail server of example.net", "at ns1.example.net, guarded", "Publish exactly this"):  # fmt: skip
        assert words in body


def test_it_publishes_what_was_shown_and_undoes_it(client: Client, names: Names) -> None:
    row = post(client, "difference-publish", names.ask(), digest="another")
    assert row.state == State.READY
    row = names.settle(post(client, "difference-publish", row, digest=row.digest))
    assert row.state == State.VERIFIED
    assert "As published, serial" in page(client, row)
    assert names.settle(post(client, "difference-undo", row)).state == State.UNDONE
    assert names.values("shop.example.net.", "A") == (OLD,)


def test_objections_come_first_and_are_lifted_by_a_tick(client: Client, names: Names, settings) -> None:
    settings.OVZ = settings.OVZ | {"zone_share_percent": 5}
    row = names.ask()
    body = page(client, row)
    assert body.index("TooManyChanges") < body.index("shop.example.net")
    assert post(client, "difference-publish", row, digest=row.digest).state == State.READY
    assert post(client, "difference-publish", row, digest=row.digest, force="yes").state == State.PUBLISHING


def test_an_objection_that_cannot_be_lifted_leaves_no_button(client: Client, names: Names) -> None:
    names.forward.put(FORWARD, "TXT", 60, f'"v=spf1 ip4:{OLD}"', '"v=spf1 -all"')
    body = page(client, names.ask())
    assert "TwoSpfRecords" in body
    assert "cannot be lifted" in body
    assert "Publish exactly this" not in body


def test_a_lagging_server_is_named_on_the_page(client: Client, names: Names) -> None:
    row = names.ask()
    fall_behind(names)
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    body = page(client, names.settle(row, patience=4))
    assert "ns2.example.net still has serial" in body
    assert "Not as published" in body
    assert client.get(reverse("difference-live", args=[row.pk])).status_code in (200, 204)


def test_what_zones_say_is_shown_as_text(client: Client, names: Names) -> None:
    names.forward.put("x.example.net.", "TXT", 60, f'"<script>alert(1)</script> {OLD}"')
    row = names.ask()
    assert "<script>alert" not in page(client, row)
    zone = client.get(reverse("zone", args=[names.zones[FORWARD].pk])).content.decode()
    assert "&lt;script&gt;alert(1)" in zone


def test_it_gives_the_difference_as_text(client: Client, names: Names) -> None:
    row = names.ask()
    answer = client.get(reverse("difference-text", args=[row.pk]))
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert row.digest in text
    assert f"change shop.example.net A: {OLD} -> {NEW}" in text


def test_ttls_are_lowered_and_restored_from_the_page(client: Client, names: Names) -> None:
    row = names.ask()
    post(client, "difference-lower", row)
    low = names.settle(Publication.objects.get(kind=Publication.Kind.LOWER))
    assert "lower ttls" in page(client, row)
    names.publish(low)
    assert "The old TTLs have run out everywhere at" in page(client, low)
    row = names.publish(row)
    post(client, "difference-restore", row)
    assert Publication.objects.filter(kind=Publication.Kind.RESTORE, of=row).count() == 1


def test_it_asks_the_same_question_again(client: Client, names: Names) -> None:
    row = names.ask()
    post(client, "difference-again", row)
    assert list(Publication.objects.order_by("-pk").values_list("pairs", flat=True)[:1]) == [row.pairs]


def test_it_lists_zones_in_a_constant_number_of_queries(
    client: Client, names: Names, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(9):
        client.get(reverse("names"))


def test_it_forgets_what_nothing_hangs_on(client: Client) -> None:
    server, key = make_name_server(), make_update_key(key=KEY)
    client.post(reverse("name-server-forget", args=[server.pk]))
    client.post(reverse("update-key-forget", args=[key.pk]))
    assert not (NameServer.objects.exists())
    assert not (UpdateKey.objects.exists())
