"""What is found, and the plan that comes of it, compared whole."""

from __future__ import annotations

import json
import random

import pytest

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import plan as plans
from migrations_app.zones import ttl
from migrations_app.zones.build import Resolved, build
from migrations_app.zones.plan import Plan
from migrations_app.zones.swap import checked_swaps
from migrations_app.zones.world import World, ZoneView
from tests.fakes.clock import START

Row = tuple[str, str, int, str]
V6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
V6_NEW = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."


def zone(name: str, *rows: str, server: str = "ns1", **more: object) -> ZoneView:
    """Make a zone of lines "owner TTL TYPE value | value"; an owner without a dot at its end is in the zone."""
    rrsets = [RRset(name=name, type="SOA", ttl=3600, values=(f"ns1.{name} host.{name} 7 1 1 1 300",))]
    for row in rows:
        owner, ttl_, kind, values = row.split(" ", 3)
        full = name if owner == "@" else owner if owner.endswith(".") else f"{owner}.{name}"
        rrsets.append(RRset(name=full, type=kind, ttl=int(ttl_), values=tuple(sorted(values.split(" | ")))))
    return ZoneView(name=name, server=server, serial=7, rrsets=tuple(rrsets), **more)  # type: ignore[arg-type]


def plan(*zones: ZoneView, old: str = "192.0.2.1", new: str = "192.0.2.2", **more: object) -> Plan:
    return build(World(zones=zones), checked_swaps([(old, new)]), **more)  # type: ignore[arg-type]


def changes(made: Plan) -> list[str]:
    return [line.strip() for line in made.describe() if line.startswith("  ")]


def test_everything_in_one_plan_with_its_reasons() -> None:
    made = plan(
        zone(
            "b.example.",
            "@ 3600 NS ns1.b.example.",
            "@ 3600 MX 10 mail.b.example.",
            '@ 3600 TXT "v=spf1 ip4:192.0.2.1 -all" | "other"',
            "mail 300 A 192.0.2.1 | 192.0.2.9",
            "ns1 3600 A 192.0.2.1",
            "www 3600 CNAME mail.b.example.",
            "_sip._tcp 3600 SRV 0 0 5060 mail.b.example.",
            "* 60 A 192.0.2.1",
            "far 3600 A 192.0.2.11",
        ),
        zone("2.0.192.in-addr.arpa.", "1 3600 PTR mail.b.example."),
        zone("a.example.", "shop 3600 CNAME www.b.example."),
        ttl_seconds=60,
    )
    assert made.describe() == [
        "192.0.2.1 becomes 192.0.2.2",
        "2.0.192.in-addr.arpa at ns1 (guarded)",
        "  remove 1.2.0.192.in-addr.arpa PTR: mail.b.example. -> nothing  (TTL 3600 -> 60; "
        "name of 192.0.2.1, which is given up)",
        "  add 2.2.0.192.in-addr.arpa PTR: nothing -> mail.b.example.  (TTL 3600 -> 60; "
        "name of 192.0.2.2, as it was of 192.0.2.1)",
        "b.example at ns1 (guarded)",
        '  change b.example TXT: "other" | "v=spf1 ip4:192.0.2.1 -all" -> "other" | "v=spf1 ip4:192.0.2.2 -all"  '
        "(TTL 3600 -> 60; mail of b.example may come from there (SPF))",
        "  change *.b.example A: 192.0.2.1 -> 192.0.2.2  (TTL 60; "
        "every name below b.example that has no records of its own)",
        "  change mail.b.example A: 192.0.2.1 | 192.0.2.9 -> 192.0.2.2 | 192.0.2.9  (TTL 300 -> 60; "
        "points to 192.0.2.1; one of 2 addresses; the others stay; www.b.example is an alias of it; "
        "shop.a.example is an alias of it; mail server of b.example; serves _sip._tcp.b.example)",
        "  change ns1.b.example A: 192.0.2.1 -> 192.0.2.2  (TTL 3600 -> 60; points to 192.0.2.1; "
        "name server of b.example)",
        "elsewhere, by whoever holds the zone",
        "  ns1.b.example A: 192.0.2.1 -> 192.0.2.2  (the registrar of b.example: glue)",
    ]


def test_addresses_of_the_new_family_have_reverse_names_of_their_own() -> None:
    made = plan(
        zone("b.example.", "shop 3600 AAAA 2001:db8::1", 'deep 3600 TXT "v=spf1 ip6:2001:db8::1 -all"'),
        zone("8.b.d.0.1.0.0.2.ip6.arpa.", f"{V6} 3600 PTR shop.b.example."),
        old="2001:db8::1",
        new="2001:db8::2",
    )
    assert {(one.name, one.type, one.after.values) for one in made.changes} == {
        ("shop.b.example.", "AAAA", ("2001:db8::2",)),
        ("deep.b.example.", "TXT", ('"v=spf1 ip6:2001:db8::2 -all"',)),
        (V6, "PTR", ()),
        (V6_NEW, "PTR", ("shop.b.example.",)),
    }


def test_a_range_that_was_handed_on_is_followed_to_its_pointers() -> None:
    made = plan(
        zone(
            "2.0.192.in-addr.arpa.",
            "1 3600 CNAME 1.0-7.2.0.192.in-addr.arpa.",
            "2 3600 CNAME 2.0-7.2.0.192.in-addr.arpa.",
        ),
        zone("0-7.2.0.192.in-addr.arpa.", "1 3600 PTR shop.b.example."),
    )
    assert [(one.zone, one.name, one.after.values) for one in made.changes] == [
        ("0-7.2.0.192.in-addr.arpa.", "1.0-7.2.0.192.in-addr.arpa.", ()),
        ("0-7.2.0.192.in-addr.arpa.", "2.0-7.2.0.192.in-addr.arpa.", ("shop.b.example.",)),
    ]


def test_a_pointer_that_stands_at_the_new_address_gives_way_and_is_shown() -> None:
    made = plan(zone("2.0.192.in-addr.arpa.", "1 3600 PTR shop.b.example.", "2 3600 PTR pool-2.b.example."))
    new = made.changes[1]
    assert (new.before.values, new.after.values) == (("pool-2.b.example.",), ("shop.b.example.",))
    assert "instead of what stands there now" in new.why


def test_a_new_pointer_lasts_as_long_as_the_old_one_did_whatever_was_lowered() -> None:
    """Planned once more while its TTL is low, it still comes back to what its owner had chosen."""
    names = "2.0.192.in-addr.arpa."
    first = plan(zone(names, "1 900 PTR shop.b.example."), ttl_seconds=60)
    assert [(one.verb, one.before.ttl, one.after.ttl) for one in first.changes] == [
        ("remove", 900, 60),
        ("add", 900, 60),
    ]
    again = plan(zone(names, "1 60 PTR shop.b.example."), ttl_seconds=60)
    as_before = ttl.as_before(again, [ttl.lowering(first, 60)])
    assert [(one.after.values, one.after.ttl) for one in ttl.restoring(as_before).changes] == [
        (("shop.b.example.",), 900)
    ]


def test_pointers_in_others_reverse_zones_are_asked_for_and_listed() -> None:
    old = checked_swaps([("198.51.100.1", "192.0.2.2")])
    world = World(zones=[zone("2.0.192.in-addr.arpa.")])
    made = build(world, old, resolved=Resolved(reverse={old[0].old: ("shop.b.example.",)}))
    assert [(one.name, one.after.values) for one in made.changes] == [("2.2.0.192.in-addr.arpa.", ("shop.b.example.",))]
    away = build(
        World(zones=[zone("2.0.192.in-addr.arpa.", "1 60 PTR shop.b.example.")]),
        checked_swaps([("192.0.2.1", "198.51.100.1")]),
    )
    assert [(one.name, one.new) for one in away.elsewhere] == [("1.100.51.198.in-addr.arpa.", "shop.b.example.")]


def test_an_address_that_goes_away_takes_its_records_along() -> None:
    made = plan(zone("b.example.", "shop 60 A 192.0.2.1", "pool 60 A 192.0.2.1 | 192.0.2.9"), new="")
    assert [(one.name, one.verb, one.after.values) for one in made.changes] == [
        ("pool.b.example.", "change", ("192.0.2.9",)),
        ("shop.b.example.", "remove", ()),
    ]


def test_glue_is_changed_and_what_a_cut_hides_is_only_named() -> None:
    made = plan(
        zone(
            "b.example.",
            "child 3600 NS ns.child.b.example.",
            "ns.child 3600 A 192.0.2.1",
            "host.child 3600 A 192.0.2.1",
            "old 3600 DNAME new.example.",
            "x.old 3600 A 192.0.2.1",
        )
    )
    assert [(one.name, one.why) for one in made.changes] == [
        ("ns.child.b.example.", ("glue: ns.child.b.example is a name server of child.b.example",))
    ]
    assert any("host.child.b.example" in line and "handed on" in line for line in made.warnings)
    assert any("x.old.b.example" in line and "DNAME" in line for line in made.warnings)


def test_what_only_a_person_can_judge_is_a_warning() -> None:
    made = plan(
        zone(
            "b.example.",
            "shop 3600 A 192.0.2.1",
            "_443._tcp.shop 3600 TLSA 3 1 1 abcd",
            'note 3600 TXT "call 192.0.2.1:8080"',
            'near 3600 TXT "not 192.0.2.11 nor 1.192.0.2.1 nor 192.0.2.1.5"',
            'svc 3600 HTTPS 1 . ipv4hint="192.0.2.1"',
            '@ 3600 TXT "v=spf1 ip4:192.0.2.1 ptr include:_spf.other.example -all"',
            "mail 3600 CNAME shop.b.example.",
            "@ 3600 MX 10 mail.b.example.",
            "@ 3600 DNSKEY 257 3 13 key",
        )
    )
    for word in ("TLSA", "note.b.example", "svc.b.example", '"ptr"', "_spf.other.example", "MX to CNAME", "is signed"):
        assert sum(word in line for line in made.warnings) == 1, word
    assert not any("near" in line for line in made.warnings)


def test_a_zone_read_name_by_name_is_a_warning() -> None:
    made = plan(zone("b.example.", "shop 3600 A 192.0.2.1", is_whole=False))
    assert made.warnings == ("b.example was read name by name: what was not asked for was not found",)


def test_names_elsewhere_are_listed_for_their_owner() -> None:
    swaps = checked_swaps([("192.0.2.1", "192.0.2.2")])
    made = build(World(zones=[]), swaps, resolved=Resolved(names=(("www.other.example.", swaps[0].old),)))
    assert [one.describe() for one in made.elsewhere] == [
        "www.other.example A: 192.0.2.1 -> 192.0.2.2  (whoever holds its zone)"
    ]


def test_a_plan_is_the_same_after_it_was_stored() -> None:
    made = plan(zone("b.example.", "shop 3600 A 192.0.2.1", '@ 60 TXT "v=spf1 ip4:192.0.2.1 x"'))
    stored = plans.from_json(json.loads(json.dumps(plans.to_json(made))))
    assert stored == made
    assert stored.digest() == made.digest()


def test_the_digest_does_not_hang_on_the_order_of_reading_and_moves_with_every_value() -> None:
    rows = [
        "shop 3600 A 192.0.2.1",
        "pool 60 A 192.0.2.1 | 192.0.2.9",
        "www 60 CNAME shop.b.example.",
        "x 9 A 192.0.2.1",
    ]
    digests = set()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        digests.add(plan(zone("b.example.", *rows)).digest())
    assert len(digests) == 1
    for other in (["shop 3601 A 192.0.2.1", *rows[1:]], [*rows, "y 60 A 192.0.2.1"]):
        assert plan(zone("b.example.", *other)).digest() not in digests
    assert plan(zone("b.example.", *rows), new="192.0.2.3").digest() not in digests


def test_the_way_back_of_the_way_back_is_the_way_there() -> None:
    made = plan(zone("b.example.", "shop 3600 A 192.0.2.1"), zone("2.0.192.in-addr.arpa.", "1 60 PTR s.b.example."))
    again = made.inverse().inverse()
    assert [(one.before.values, one.after.values) for one in again.changes] == [
        (one.before.values, one.after.values) for one in made.changes
    ]


def test_ttls_go_down_before_and_up_after() -> None:
    zones = (
        zone("b.example.", "shop 3600 A 192.0.2.1", "low 30 A 192.0.2.1"),
        zone("2.0.192.in-addr.arpa.", "1 900 PTR s.b.example."),
    )
    made = plan(*zones, ttl_seconds=60)
    low = ttl.lowering(made, 60)
    assert [(one.name, one.before.ttl, one.after.ttl) for one in low.changes] == [
        ("1.2.0.192.in-addr.arpa.", 900, 60),
        ("shop.b.example.", 3600, 60),
    ]
    assert all(one.before.values == one.after.values for one in low.changes)
    back = ttl.restoring(made)
    assert [(one.name, one.before.ttl, one.after.ttl) for one in back.changes] == [
        ("2.2.0.192.in-addr.arpa.", 60, 900),
        ("shop.b.example.", 60, 3600),
    ]
    assert (ttl.ready_at(low, START) - START).total_seconds() == 3600 + 30
    # A name that did not exist may be remembered as missing for as long as the zone's SOA says.
    assert (ttl.settled_at(made, World(zones=zones), START) - START).total_seconds() == 300 + 30


@pytest.mark.parametrize("size", [0, 1])
def test_nothing_found_is_an_empty_plan(size: int) -> None:
    made = plan(*[zone("b.example.", "shop 3600 A 192.0.2.7")] * size)
    assert (made.changes, made.elsewhere, made.warnings) == ((), (), ())
