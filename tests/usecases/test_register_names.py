"""Making name servers, keys and zones known, and forgetting them."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from migrations_app.models import AuditLine, NameServer, UpdateKey, Zone
from migrations_app.usecases.forget_names import StillInUse, forget_names
from migrations_app.usecases.register_name_server import NameServerNotTaken, register_name_server
from migrations_app.usecases.register_update_key import UpdateKeyNotTaken, register_update_key
from migrations_app.usecases.register_zone import ZoneNotTaken, register_zone
from migrations_app.usecases.request_zone_reading import request_zone_reading
from migrations_app.zones import shelf
from tests.factories import make_name_server, make_update_key, make_zone
from tests.fakes.clock import START
from tests.zones.rig import KEY

SECRET = "dGhlIGNhbmFyeSB0aGF0IG11c3Qgbm90IHNpbmcuLi4="


def take_key(actor: User, *, name: str = "panel", algorithm: str = "hmac-sha256", secret: str = SECRET) -> UpdateKey:
    return register_update_key(
        name=name, algorithm=algorithm, secret=secret, actor=actor, now=START, settings=settings.OVZ
    )


def take_zone(actor: User, **more: object) -> Zone:
    told = {"name": "example.net", "provider": "manual", "primary": NameServer.objects.first()} | more
    return register_zone(**told, actor=actor, now=START)  # type: ignore[arg-type]


def test_it_takes_a_name_server_in_one_form(ada: User) -> None:
    row = register_name_server(name=" NS1.Example.net. ", address="2001:DB8:0::1", actor=ada, now=START)
    assert (row.name, row.address, row.port, row.second_address) == ("ns1.example.net", "2001:db8::1", 53, None)
    assert AuditLine.objects.get().verb == "register_name_server"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        *[("name", {"name": value}) for value in ("", "a b", "192.0.2.1", "x" * 64, "a\nb", "<script>")],
        *[("address", {"address": value}) for value in ("", "127.0.0.1", "::1", "169.254.169.254", "x")],
        ("second_address", {"second_address": "127.0.0.1"}),
        *[("port", {"port": value}) for value in (0, -1, 65_536)],
    ],
)  # fmt: skip
def test_it_refuses_a_name_server_by_its_field(ada: User, field: str, told: dict[str, object]) -> None:
    with pytest.raises(NameServerNotTaken) as refusal:
        register_name_server(**{"name": "ns1.a.b", "address": "192.0.2.1"} | told, actor=ada, now=START)  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert not NameServer.objects.exists()
    assert not AuditLine.objects.exists()


def test_it_takes_no_name_server_twice(ada: User) -> None:
    make_name_server(name="ns1.a.b", address="192.0.2.1")
    with pytest.raises(NameServerNotTaken, match="registered already"):
        register_name_server(name="NS1.a.b", address="192.0.2.2", actor=ada, now=START)
    with pytest.raises(NameServerNotTaken, match="under another name"):
        register_name_server(name="ns2.a.b", address="192.0.2.1", actor=ada, now=START)


def test_a_secret_is_kept_sealed_and_nowhere_else(ada: User) -> None:
    row = take_key(ada, name="Panel.", secret=f" {SECRET[:10]}\n{SECRET[10:]} ")
    assert row.name == "panel"
    assert shelf.key_of(row, settings=settings.OVZ).secret == SECRET  # type: ignore[union-attr]
    assert SECRET not in _everything_in_the_database()


def test_a_new_secret_takes_the_place_of_the_old(ada: User) -> None:
    first = take_key(ada)
    second = take_key(ada, secret=SECRET[::-1].strip("=") + "====="[: -len(SECRET.strip("=")) % 4])
    assert first.pk == second.pk
    assert first.sealed_secret != second.sealed_secret
    assert [line.detail["replaced"] for line in AuditLine.objects.order_by("pk")] == [False, True]


def test_a_secret_moved_to_another_key_does_not_open(ada: User) -> None:
    take_key(ada)
    other = UpdateKey(name="other", algorithm="hmac-sha256", sealed_secret=UpdateKey.objects.get().sealed_secret)
    with pytest.raises(shelf.cipher.SecretUnreadable):
        shelf.key_of(other, settings=settings.OVZ)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("name", {"name": "a b"}),
        ("algorithm", {"algorithm": "hmac-md5"}),
        *[("secret", {"secret": value}) for value in ("", "not base64!", "c2hvcnQ=", "ü" * 40, "A" * 4000)],
    ],
)
def test_it_refuses_a_key_by_its_field_and_does_not_repeat_the_secret(
    ada: User, field: str, told: dict[str, str]
) -> None:
    with pytest.raises(UpdateKeyNotTaken) as refusal:
        take_key(ada, **told)
    assert refusal.value.field == field
    assert "not base64!" not in str(refusal.value)
    assert not UpdateKey.objects.exists()


def test_it_takes_a_zone_and_has_it_read_at_once(ada: User) -> None:
    ns1, ns2 = make_name_server(), make_name_server(name="ns2.a.b", address="192.0.2.9")
    key = make_update_key(key=KEY)
    row = take_zone(ada, name="Example.NET.", provider="rfc2136", primary=ns1, secondaries=[ns2], key=key)
    assert (row.name, row.next_read_at, list(row.secondaries.all())) == ("example.net", START, [ns2])


@pytest.mark.parametrize(
    ("field", "told"),
    [
        *[("name", {"name": value}) for value in ("", "net", "*.example.net", "a b", "192.0.2.1")],
        ("provider", {"provider": "carrier pigeon"}),
        ("key", {"provider": "rfc2136"}),
        ("more_names", {"more_names": ["www.elsewhere.org"]}),
        ("more_names", {"more_names": ["a..example.net"]}),
        ("more_names", {"more_names": [f"h{number}.example.net" for number in range(301)]}),
    ],
)
def test_it_refuses_a_zone_by_its_field(ada: User, field: str, told: dict[str, object]) -> None:
    make_name_server()
    with pytest.raises(ZoneNotTaken) as refusal:
        take_zone(ada, **told)
    assert refusal.value.field == field
    assert not Zone.objects.exists()


def test_a_zone_is_changed_in_place_and_registered_once(ada: User) -> None:
    make_name_server()
    first = take_zone(ada)
    with pytest.raises(ZoneNotTaken, match="already"):
        take_zone(ada)
    again = take_zone(ada, zone=first, name="example.org")
    assert (again.pk, again.name) == (first.pk, "example.org")


def test_what_is_needed_is_not_forgotten(ada: User) -> None:
    ns1, ns2 = make_name_server(), make_name_server(name="ns2.a.b", address="192.0.2.9")
    zone = make_zone(primary=ns1, key=make_update_key(key=KEY), secondaries=[ns2])
    for row in (ns1, ns2, zone.key):
        with pytest.raises(StillInUse, match=r"example\.net"):
            forget_names(row=row, actor=ada, now=START)  # type: ignore[arg-type]
    key = zone.key
    for row in (zone, ns1, ns2, key):
        forget_names(row=row, actor=ada, now=START)  # type: ignore[arg-type]
    assert not (NameServer.objects.exists())
    assert not (Zone.objects.exists())
    assert not (UpdateKey.objects.exists())


def test_a_reading_asked_for_is_of_the_whole_zone(ada: User) -> None:
    zone = make_zone(primary=make_name_server(), read_at=START, is_whole=False)
    request_zone_reading(zone=zone, actor=ada, now=START)
    zone.refresh_from_db()
    assert (zone.next_read_at, zone.read_at, zone.is_whole) == (START, None, True)


def _everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        text = ""
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            text += str(cursor.fetchall())
    return text
