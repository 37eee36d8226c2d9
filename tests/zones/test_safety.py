"""What a plan must not do, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import safety
from migrations_app.zones.build import build
from migrations_app.zones.names import BadName, checked_name, is_within, reverse_name
from migrations_app.zones.plan import Guarantee, Plan, RecordChange
from migrations_app.zones.safety import Limits
from migrations_app.zones.swap import SwapRefused, checked_swaps
from migrations_app.zones.world import World, ZoneView
from tests.zones.test_build import zone

USUAL = Limits()
ODD = ("", "x", "010.0.0.1", "1.2.3", "0.0.0.0", "224.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "::ffff:1.2.3.4")
SWAP = checked_swaps([("192.0.2.1", "192.0.2.2")])


def objections(*zones: ZoneView, limits: Limits = USUAL) -> list[str]:
    world = World(zones=zones)
    return [str(one) for one in safety.objections(build(world, SWAP), world, limits)]


def names_of(*zones: ZoneView, limits: Limits = USUAL) -> list[str]:
    world = World(zones=zones)
    return [type(one).__name__ for one in safety.objections(build(world, SWAP), world, limits)]


def change_of(name: str, type: str, before: tuple[str, ...], after: tuple[str, ...], *, ttl: int = 60) -> Plan:
    old = RRset(name=name, type=type, ttl=3600, values=before)
    one = RecordChange(
        zone="b.example.",
        server="ns1",
        before=old,
        after=replace(old, values=after, ttl=ttl),
        why=(),
        guarantee=Guarantee.GUARDED,
    )
    return Plan(title="", changes=(one,))


def found(plan: Plan, *zones: ZoneView) -> list[str]:
    return [type(one).__name__ for one in safety.objections(plan, World(zones=zones), USUAL)]


def hosts(count: int, held: int) -> ZoneView:
    return zone("b.example.", *(f"h{n} 60 A 192.0.2.{1 if n < held else 9}" for n in range(count - 1)))


def test_an_ordinary_change_is_not_objected_to() -> None:
    assert names_of(hosts(20, 3)) == []


@pytest.mark.parametrize(("count", "held", "objected"), [(10, 3, False), (10, 4, True), (9, 8, False), (100, 31, True)])
def test_the_share_of_a_zone_counts_from_ten_record_sets_on(count: int, held: int, objected: bool) -> None:
    assert names_of(hosts(count, held)) == (["TooManyChanges"] if objected else [])


def test_the_share_is_said_in_numbers() -> None:
    assert objections(hosts(90, 41)) == [
        "b.example: 41 of 90 record sets would change (46 %), the limit is 30 %; "
        "split the move, or say that it is meant."
    ]


def test_there_is_a_limit_for_one_plan() -> None:
    assert names_of(hosts(5000, 11), limits=Limits(changes=10)) == ["PlanTooLarge"]
    assert names_of(hosts(60_000, 10_000), limits=Limits(share_percent=100)) == ["PlanTooLarge"]


@pytest.mark.parametrize("type_", ["NS", "SOA"])
def test_the_top_of_a_zone_is_touched_only_when_meant(type_: str) -> None:
    plan = change_of("b.example.", type_, ("ns1.b.example.",), ("ns2.b.example.",))
    assert found(plan, zone("b.example.")) == ["ZoneTopChange"]


def test_a_name_is_an_alias_or_has_records() -> None:
    world = (zone("b.example.", "x 60 CNAME y.b.example."),)
    assert found(change_of("x.b.example.", "A", (), ("192.0.2.2",)), *world) == ["AliasInTheWay"]


def test_a_pointer_behind_a_foreign_alias_is_left_to_its_owner() -> None:
    made = build(
        World(zones=[zone("2.0.192.in-addr.arpa.", "1 60 PTR s.b.example.", "2 60 CNAME 2.x.other.example.")]), SWAP
    )
    assert [one.name for one in made.changes] == ["1.2.0.192.in-addr.arpa."]
    assert [one.name for one in made.elsewhere] == ["2.x.other.example."]


def test_nothing_is_made_where_nobody_would_see_it() -> None:
    world = (zone("b.example.", "d 60 DNAME e.example.", "c 60 NS ns.other.example."),)
    assert found(change_of("x.d.b.example.", "A", (), ("192.0.2.2",)), *world) == ["RedirectInTheWay"]
    assert found(change_of("x.c.b.example.", "TXT", (), ('"x"',)), *world) == ["CutInTheWay"]


@pytest.mark.parametrize(("ttl", "objected"), [(0, True), (1, False), (2**31 - 1, False), (2**31, True), (2**32, True)])
def test_ttls_stay_in_range(ttl: int, objected: bool) -> None:
    plan = change_of("x.b.example.", "A", ("192.0.2.1",), ("192.0.2.2",), ttl=ttl)
    assert found(plan, zone("b.example.")) == (["TtlOutOfRange"] if objected else [])


def test_a_ttl_of_zero_that_stands_already_may_stay() -> None:
    assert names_of(zone("b.example.", "x 0 A 192.0.2.1")) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"v=spf1 ip4:192.0.2.1 -all" | "v=spf1 -all"', "TwoSpfRecords"),
        ('"v=spf1 ip4:192.0.2.1; -all"', "SpfUnreadable"),
        (f'"v=spf1 ip4:192.0.2.1 {"a " * 11}-all"', "SpfTooManyLookups"),
        (f'"v=spf1 ip4:192.0.2.1 {"exp=x" * 44}" "{"x" * 250}" "{"x" * 100}"', "SpfTooLong"),
    ],
)
def test_a_broken_sender_policy_is_not_touched(text: str, name: str) -> None:
    assert names_of(zone("b.example.", f"@ 3600 TXT {text}")) == [name]


def test_a_zone_that_was_not_read_is_named() -> None:
    assert objections(zone("b.example.", fault="NameServerUnreachable")) == [
        "b.example: it could not be read (NameServerUnreachable), so what stands there is not known; "
        "mend that, or say that it may be left out."
    ]


@pytest.mark.parametrize(
    ("value", "name"),
    [("Example.NET", "example.net."), ("a.b.", "a.b."), ("_dmarc.x.y", "_dmarc.x.y."), ("*.x.y", "*.x.y."),
     ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa."), ("com", "com.")],
)  # fmt: skip
def test_a_name_has_one_form(value: str, name: str) -> None:
    assert checked_name(value) == name


@pytest.mark.parametrize(
    "value",
    ["", ".", "a..b", "-a.b", "a-.b", "x" * 64 + ".y", ".".join(["abcdefg"] * 32), "münchen.de", "a b", "a\nb", "a\x00",
     "192.0.2.1", "::1", "x.*.y", "*", "a;b", "<script>", "$(id)", "\u202ea.b", "a/../b."],
)  # fmt: skip
def test_what_is_no_name_is_refused(value: str) -> None:
    with pytest.raises(BadName):
        checked_name(value)


def test_being_within_is_by_labels() -> None:
    assert is_within("a.example.net.", "example.net.")
    assert is_within("example.net.", "example.net.")
    assert not is_within("badexample.net.", "example.net.")
    assert reverse_name(SWAP[0].old) == "1.2.0.192.in-addr.arpa."


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("192.0.2.1", "192.0.2.1")],
        [("192.0.2.1", "2001:db8::1")],
        [("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.3")],
        [("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.3")],
        [("192.0.2.1", "192.0.2.3"), ("192.0.2.2", "192.0.2.3")],
        *[[(value, "192.0.2.9")] for value in ODD],
    ],
)
def test_addresses_that_make_no_sense_together_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(SwapRefused):
        checked_swaps(pairs)
