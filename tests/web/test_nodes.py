"""The pages of nodes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import AuditLine, Node, Preparation
from migrations_app.templatetags.shown import fingerprint
from tests.factories import make_container, make_node
from tests.fakes.work import public_key

State = Node.State


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def add(client: Client, **values: object) -> object:
    return client.post(reverse("node-add"), {"name": "node-9", "address": "192.0.2.9", "port": 22} | values)


def page(client: Client, node: Node) -> str:
    return client.get(reverse("node", args=[node.pk])).content.decode()


def test_it_adds_a_node_and_leads_to_its_page(client: Client) -> None:
    response = add(client)
    node = Node.objects.get()
    assert response["Location"] == reverse("node", args=[node.pk])
    assert (node.name, node.address, node.port) == ("node-9", "192.0.2.9", 22)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a b"),
        ("name", "n" * 64),
        ("name", "n\x00"),
        ("name", "<script>alert(1)</script>"),
        ("address", "010.0.0.1"),
        ("address", "1.2.3"),
        ("address", "::ffff:1.2.3.4"),
        ("address", "127.0.0.1"),
        ("address", "-oProxyCommand=x"),
        ("address", "a..b"),
        ("address", "host\nBcc: x@example.net"),
        ("address", "h" * 300),
        ("port", "0"),
        ("port", "65536"),
        ("port", "22; id"),
        ("port", "9" * 400),
    ],
)
def test_it_names_the_field_it_objects_to(client: Client, field: str, value: str) -> None:
    response = add(client, **{field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Node.objects.exists()


def test_it_keeps_what_was_typed_and_shows_it_as_text(client: Client) -> None:
    body = add(client, name='"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_it_shows_the_fingerprint_to_compare(client: Client) -> None:
    key = public_key("node-5")
    body = page(client, make_node(state=State.KEY_OFFERED, offered_host_key=key, host_key=""))
    assert fingerprint(key) in body
    assert "The fingerprints are equal" in body


def test_it_pins_the_key_that_was_shown(client: Client) -> None:
    node = make_node(state=State.KEY_OFFERED, host_key="")
    client.post(reverse("node-pin", args=[node.pk]), {"shown_key": node.offered_host_key})
    node.refresh_from_db()
    assert (node.state, node.host_key) == (State.KEY_PINNED, node.offered_host_key)


@pytest.mark.parametrize("shown", ["", public_key("another")])
def test_it_pins_no_key_that_was_not_shown(client: Client, shown: str) -> None:
    node = make_node(state=State.KEY_OFFERED, host_key="")
    response = client.post(reverse("node-pin", args=[node.pk]), {"shown_key": shown}, follow=True)
    node.refresh_from_db()
    assert (node.state, node.host_key) == (State.KEY_OFFERED, "")
    assert "does not show the key" in response.content.decode()


def test_it_shows_the_one_command_to_run(client: Client, settings, tmp_path) -> None:
    settings.OVZ = settings.OVZ | {"ssh_key_file": tmp_path / "key"}
    (tmp_path / "key.pub").write_text(public_key("panel"))
    body = page(client, make_node(state=State.KEY_PINNED))
    assert "Run this on the node, as root" in body
    assert 'data-copy="install"' in body
    assert public_key("panel").split()[1] in body


def test_it_shows_no_command_before_the_key_is_pinned(client: Client) -> None:
    assert 'id="install"' not in page(client, make_node(state=State.KEY_OFFERED, host_key=""))


def test_it_says_so_while_the_panel_has_no_key(client: Client, settings, tmp_path) -> None:
    settings.OVZ = settings.OVZ | {"ssh_key_file": tmp_path / "nothing-here"}
    assert "The panel has no key of its own yet" in page(client, make_node(state=State.KEY_PINNED))


def test_it_shows_what_runs_there_and_what_is_wrong(client: Client) -> None:
    node = make_node(fault="HostKeyChanged", fault_detail="It showed <b>another</b> key.")
    make_container(node=node, hostname="shop.example.net")
    make_container(node=node, hostname="gone.example.net", gone_at=timezone.now())
    body = page(client, node)
    assert "shop.example.net" in body
    assert "gone.example.net" not in body
    assert "It showed &lt;b&gt;another&lt;/b&gt; key." in body


def test_it_offers_what_is_missing_with_the_exact_command(client: Client) -> None:
    preparation = Preparation.objects.create(
        node=make_node(), need="rsync", command="yum -y install rsync && echo 'ok'", updated_at=timezone.now()
    )
    body = page(client, preparation.node)
    assert "yum -y install rsync &amp;&amp; echo &#x27;ok&#x27;" in body
    assert reverse("preparation-accept", args=[preparation.pk]) in body


def test_a_yes_is_taken_once(client: Client) -> None:
    preparation = Preparation.objects.create(
        node=make_node(), need="rsync", command="yum -y install rsync", updated_at=timezone.now()
    )
    for _ in range(2):
        assert client.post(reverse("preparation-accept", args=[preparation.pk])).status_code == 302
    preparation.refresh_from_db()
    assert preparation.state == Preparation.State.ACCEPTED
    assert AuditLine.objects.filter(verb="accept_preparation").count() == 1


def test_what_only_a_person_can_do_has_no_button(client: Client) -> None:
    preparation = Preparation.objects.create(node=make_node(), need="space", detail="Full.", updated_at=timezone.now())
    assert reverse("preparation-accept", args=[preparation.pk]) not in page(client, preparation.node)
    answer = client.post(reverse("preparation-accept", args=[preparation.pk]), follow=True)
    assert "The panel cannot do this itself" in answer.content.decode()


def test_it_reads_the_node_when_asked(client: Client) -> None:
    node = make_node(next_scan_at=None)
    client.post(reverse("node-scan", args=[node.pk]))
    node.refresh_from_db()
    assert node.next_scan_at is not None


def test_it_watches_a_node_until_nothing_more_can_come(client: Client) -> None:
    later = timezone.now() + timedelta(minutes=5)
    waiting, settled = make_node(state=State.NEW, host_key=""), make_node(next_scan_at=later)
    assert client.get(reverse("node-live", args=[waiting.pk])).status_code == 200
    assert client.get(reverse("node-live", args=[settled.pk])).status_code == 286
    assert "hx-trigger" in page(client, waiting)
    assert "hx-trigger" not in page(client, settled)


def test_it_lists_nodes_in_a_constant_number_of_queries(client: Client, django_assert_num_queries) -> None:
    for _ in range(12):
        make_container(node=make_node())
    with django_assert_num_queries(4):  # session, user, what waits for approval, nodes
        client.get(reverse("nodes"))
