"""A difference from the question to the verified change, and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Publication, Zone
from migrations_app.ports.nameserver import (
    ClocksDiffer,
    NameServerRefused,
    NameServerUnreachable,
    ServerFailed,
)
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.plan_ttls import TtlsNotAsked, plan_ttls
from migrations_app.usecases.publish_names import publish_names
from migrations_app.usecases.undo_names import undo_names
from migrations_app.zones import publications
from migrations_app.zones.publications import NotPublishable, NotUndoable
from tests.factories import make_container
from tests.fakes.nameserver import FakeZone
from tests.zones.rig import FORWARD, NEW, OLD, REVERSE, Names, fall_behind

State, Kind = Publication.State, Publication.Kind
EVERYTHING = {
    ("shop.example.net.", "A"): (NEW,),
    ("pool.example.net.", "A"): ("192.0.2.102", NEW),
    (FORWARD, "TXT"): ('"site=abc"', f'"v=spf1 ip4:{NEW} -all"'),
    ("101.2.0.192.in-addr.arpa.", "PTR"): (),
    ("201.2.0.192.in-addr.arpa.", "PTR"): ("shop.example.net.",),
}


def now_in(names: Names) -> dict[tuple[str, str], tuple[str, ...]]:
    return {key: names.values(*key) for key in EVERYTHING}


def test_it_finds_publishes_and_verifies_everything_that_holds_an_address(names: Names) -> None:
    before = now_in(names)
    row = names.ask()
    assert (row.state, row.objections) == (State.READY, [])
    assert now_in(names) == before, "asking changed something"
    row = names.publish(row)
    assert row.state == State.VERIFIED
    assert now_in(names) == EVERYTHING
    assert row.settled_at == row.verified_at + timedelta(seconds=60 + 30)


def test_it_takes_one_update_for_each_zone(names: Names) -> None:
    names.publish(names.ask())
    assert names.primary.updates == 2


def test_an_undo_brings_every_value_back_and_leaves_ttls_low(names: Names) -> None:
    before = now_in(names)
    row = names.publish(names.ask())
    undo_names(publication=row, actor=None, now=names.world.clock())
    assert names.settle(row).state == State.UNDONE
    assert now_in(names) == before
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == 60
    assert [change.seen for change in row.zone_changes.all()] == [[], []], "what servers said before says nothing now"


def test_an_undo_works_after_the_ttls_were_restored(names: Names) -> None:
    before = now_in(names)
    row = names.publish(names.ask())
    names.publish(names.settle(plan_ttls(of=row, kind=Kind.RESTORE, actor=None, now=names.world.clock())))
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == 3600
    undo_names(publication=row, actor=None, now=names.world.clock())
    assert names.settle(row).state == State.UNDONE
    assert now_in(names) == before


def test_ttls_are_lowered_ahead_and_the_old_one_is_waited_out(names: Names) -> None:
    row = names.ask()
    low = names.publish(names.settle(plan_ttls(of=row, kind=Kind.LOWER, actor=None, now=names.world.clock())))
    assert low.state == State.VERIFIED
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == 60
    assert names.values("shop.example.net.", "A") == (OLD,)
    assert low.settled_at == low.verified_at + timedelta(seconds=3600 + 30)
    # The difference still holds: its old TTL or the low one may stand there.
    assert names.publish(row).state == State.VERIFIED


def test_a_lagging_server_keeps_the_ttl_clock_from_starting(names: Names) -> None:
    row = names.ask()
    fall_behind(names)
    low = plan_ttls(of=row, kind=Kind.LOWER, actor=None, now=names.world.clock())
    names.settle(low)
    publish_names(publication=low, digest=low.digest, actor=None, now=names.world.clock())
    low = names.settle(low, patience=5)
    assert (low.state, low.settled_at) == (State.PUBLISHED, None)


@pytest.mark.parametrize("kind", [Kind.LOWER, Kind.RESTORE])
def test_ttls_are_not_asked_for_out_of_turn(names: Names, kind: Publication.Kind) -> None:
    row = names.ask()
    if kind == Kind.LOWER:
        names.publish(row)
    with pytest.raises(TtlsNotAsked):
        plan_ttls(of=row, kind=kind, actor=None, now=names.world.clock())


def test_somebody_elses_edit_voids_the_difference_and_is_kept(names: Names) -> None:
    row = names.ask()
    names.forward.put("shop.example.net.", "A", 3600, "192.0.2.77")
    row = names.publish(row)
    assert (row.state, row.failure) == (State.STALE, "NamesMoved")
    assert "shop.example.net A is 192.0.2.77" in row.failure_detail
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert names.primary.updates == 0


def test_an_edit_of_a_ttl_alone_counts_as_one(names: Names) -> None:
    row = names.ask()
    names.forward.put("shop.example.net.", "A", 7200, OLD)
    row = names.publish(row)
    assert (row.state, row.failure) == (State.STALE, "NamesMoved")
    assert "TTL 7200" in row.failure_detail


def test_an_edit_at_the_last_moment_takes_back_what_was_published_already(names: Names) -> None:
    """The reverse zone comes first; the edit hits the forward zone between the look and the update."""
    before = now_in(names)
    row = names.ask()

    def edit(zone: FakeZone) -> None:
        if zone.name == FORWARD:
            zone.put("shop.example.net.", "A", 3600, "192.0.2.77")
            names.primary.before_update = None

    names.primary.before_update = edit
    row = names.publish(row)
    assert (row.state, row.failure) == (State.STALE, "NamesMoved")
    assert now_in(names) == before | {("shop.example.net.", "A"): ("192.0.2.77",)}


def test_an_edit_of_another_record_does_no_harm(names: Names) -> None:
    row = names.ask()
    names.forward.put("new.example.net.", "A", 3600, "192.0.2.9")
    assert names.publish(row).state == State.VERIFIED
    assert names.values("new.example.net.", "A") == ("192.0.2.9",)


def test_a_lost_reply_is_resolved_by_looking(names: Names) -> None:
    row = names.ask()
    names.primary.loses_replies = 2
    assert names.publish(row).state == State.VERIFIED
    assert now_in(names) == EVERYTHING
    assert names.primary.updates == 2, "an update that had been made was made again"


def test_an_undo_leaves_what_somebody_changed_since(names: Names) -> None:
    row = names.publish(names.ask())
    names.reverse.put("201.2.0.192.in-addr.arpa.", "PTR", 60, "else.example.net.")
    undo_names(publication=row, actor=None, now=names.world.clock())
    row = names.settle(row)
    assert (row.state, row.failure) == (State.STALE, "UndoMet")
    assert names.values("201.2.0.192.in-addr.arpa.", "PTR") == ("else.example.net.",)
    assert names.values("shop.example.net.", "A") == (OLD,), "the zone that nobody touched goes back"


def test_it_publishes_only_the_difference_that_was_shown(names: Names) -> None:
    row = names.ask()
    with pytest.raises(NotPublishable):
        publish_names(publication=row, digest="0" * 64, actor=None, now=names.world.clock())
    names.publish(row)
    with pytest.raises(NotPublishable, match="already"):
        publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())


def test_it_undoes_nothing_that_was_not_published(names: Names) -> None:
    with pytest.raises(NotUndoable):
        undo_names(publication=names.ask(), actor=None, now=names.world.clock())


def test_nothing_to_change_is_nothing_to_publish(names: Names) -> None:
    row = names.ask(("198.51.100.1", "198.51.100.2"))
    assert row.state == State.READY
    with pytest.raises(NotPublishable, match="nothing"):
        publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())


@pytest.mark.parametrize(
    ("trouble", "tries"),
    [
        (NameServerRefused("ns1", rcode="REFUSED"), 1),
        (ClocksDiffer("ns1", rcode="BADTIME"), 1),
        (ServerFailed("ns1", rcode="SERVFAIL"), publications.MOST_TRIES),
        (NameServerUnreachable("ns1"), publications.MOST_TRIES),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_server_that_will_not_is_named_with_its_code(names: Names, trouble: NameServerRefused, tries: int) -> None:
    row = names.ask()
    before = now_in(names)
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    names.primary.trouble = trouble
    row = names.settle(row, patience=tries)
    assert row.failure == type(trouble).__name__
    assert "ns1" in row.failure_detail
    assert trouble.rcode in row.failure_detail
    names.primary.trouble = None
    assert names.settle(row).state == State.FAILED
    assert now_in(names) == before


def test_a_server_that_comes_back_is_waited_for(names: Names) -> None:
    row = names.ask()
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    names.primary.trouble = NameServerUnreachable("ns1")
    names.settle(row, patience=3)
    names.primary.trouble = None
    row = names.settle(row)
    assert (row.state, row.failure) == (State.VERIFIED, "")


def test_a_secondary_that_does_not_follow_is_named_and_nothing_is_verified(names: Names) -> None:
    row = names.ask()
    fall_behind(names)
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    row = names.settle(row, patience=6)
    assert row.state == State.PUBLISHED
    seen = {server: troubles for server, _, _, troubles in row.zone_changes.get(zone__name="example.net").seen}
    assert seen["ns1.example.net"] == []
    assert "still has serial" in seen["ns2.example.net"][0]
    names.secondary.zones = names.primary.zones
    assert names.settle(row).state == State.VERIFIED


def test_a_name_server_nobody_registered_is_named(names: Names) -> None:
    names.forward.put(FORWARD, "NS", 3600, "ns1.example.net.", "ns2.example.net.", "ns3.elsewhere.org.")
    row = names.ask()
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    row = names.settle(row, patience=6)
    assert row.state == State.PUBLISHED
    assert "ns3.elsewhere.org" in str(row.zone_changes.get(zone__name="example.net").seen)


def test_objections_hold_until_a_person_lifts_those_that_may_be(names: Names, settings) -> None:
    settings.OVZ = settings.OVZ | {"zone_share_percent": 5}
    row = names.ask()
    assert [name for name, _, _ in row.objections] == ["TooManyChanges"]
    with pytest.raises(NotPublishable, match="3 of 19"):
        publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    assert names.publish(row, is_forced=True).state == State.VERIFIED


def test_a_zone_that_cannot_be_read_is_an_objection(names: Names) -> None:
    names.read()
    names.primary.trouble = NameServerUnreachable("ns1", detail="no route")
    row = names.ask()
    assert {name for name, _, _ in row.objections} == {"ZoneNotRead"}
    assert names.servers.asked > 0
    assert len(row.plan["changes"]) == 5, "what was known before is shown all the same"


def test_a_manual_zone_is_shown_left_alone_and_watched(names: Names) -> None:
    Zone.objects.filter(name="example.net").update(provider=Zone.Provider.MANUAL, key=None)
    row = names.ask()
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    row = names.settle(row, patience=6)
    assert row.state == State.PUBLISHED
    assert names.values("shop.example.net.", "A") == (OLD,)
    for change in publications.plan_of(row).in_zone(FORWARD):
        names.forward.apply([change.after])
    assert names.settle(row).state == State.VERIFIED


def test_it_asks_name_by_name_where_no_transfer_is_given(names: Names) -> None:
    names.primary.gives_transfers = False
    make_container(hostname="shop.example.net", addresses=[OLD])
    row = names.ask()
    told = publications.plan_of(row)
    assert {(one.name, one.type) for one in told.changes} == {
        ("shop.example.net.", "A"),
        (FORWARD, "TXT"),
        ("101.2.0.192.in-addr.arpa.", "PTR"),
        ("201.2.0.192.in-addr.arpa.", "PTR"),
    }
    assert any("name by name" in line for line in told.warnings)


def test_two_workers_do_one_stretch(names: Names) -> None:
    row = names.ask()
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    assert publications.claim(row.pk, names.world.clock()) is not None
    assert advance_names(publication_id=row.pk, outside=names.outside, settings=settings.OVZ) is None
    names.world.clock.advance(publications.LEASE.total_seconds() + 1)
    assert names.settle(row).state == State.VERIFIED


def test_an_undo_pressed_meanwhile_stops_the_publishing(names: Names) -> None:
    """The worker has looked and is about to send; nothing more may be sent then."""
    before = now_in(names)
    row = names.ask()

    def press(zone: FakeZone) -> None:
        if zone.name == REVERSE:
            names.primary.before_update = None
            undo_names(publication=row, actor=None, now=names.world.clock())

    names.primary.before_update = press
    row = names.publish(row)
    assert row.state == State.UNDONE
    assert now_in(names) == before


def test_it_says_who_did_what(names: Names, ada: User) -> None:
    row = names.ask(actor=ada)
    publish_names(publication=row, digest=row.digest, actor=ada, now=names.world.clock())
    names.settle(row)
    lines = AuditLine.objects.filter(subject=str(row)).order_by("pk")
    assert [(line.verb, line.actor) for line in lines] == [
        ("plan_names", ada),
        ("names_ready", None),
        ("publish_names", ada),
        ("names_published", None),
        ("names_verified", None),
    ]
    assert lines[2].detail["digest"] == row.digest


def test_a_kill_after_the_update_and_an_edit_before_the_mark_leave_nothing_half_done(names: Names) -> None:
    """The worker died with the forward zone changed and not marked; then somebody changed one of its records."""
    before = now_in(names)
    row = names.ask()
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    names.forward.apply([change.after for change in publications.plan_of(row).in_zone(FORWARD)])
    names.forward.put("pool.example.net.", "A", 300, "192.0.2.77")
    row = names.settle(row)
    assert (row.state, row.failure) == (State.STALE, "UndoMet")
    assert names.values("pool.example.net.", "A") == ("192.0.2.77",)
    assert "pool.example.net" in row.failure_detail
    assert names.values("201.2.0.192.in-addr.arpa.", "PTR") == before["201.2.0.192.in-addr.arpa.", "PTR"]


def test_what_somebody_set_back_right_after_the_update_is_not_overwritten(names: Names) -> None:
    row = names.ask(("192.0.2.10", "192.0.2.210"))
    update = names.servers.update

    def update_and_set_back(*args: object, **more: object) -> None:
        update(*args, **more)  # type: ignore[arg-type]
        names.forward.put("other-0.example.net.", "A", 3600, "192.0.2.10")

    names.servers.update = update_and_set_back  # type: ignore[method-assign]
    row = names.publish(row)
    assert (row.state, row.failure) == (State.FAILED, "UpdateWithoutEffect")
    assert names.primary.updates == 1
    assert names.values("other-0.example.net.", "A") == ("192.0.2.10",)


def test_an_edit_right_after_the_update_does_not_void_it(names: Names) -> None:
    row = names.ask()
    update = names.servers.update

    def update_and_edit(server: object, update_: object, **more: object) -> None:
        update(server, update_, **more)  # type: ignore[arg-type]
        if update_.zone == FORWARD:  # type: ignore[attr-defined]
            names.forward.put("pool.example.net.", "A", 300, "192.0.2.77")

    names.servers.update = update_and_edit  # type: ignore[method-assign]
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    row = names.settle(row, patience=8)
    assert row.state == State.PUBLISHED
    assert "192.0.2.77" in str(row.zone_changes.get(zone__name="example.net").seen)
    assert names.values("shop.example.net.", "A") == (NEW,)
