"""Every way around the second person of a change of address: nothing freezes, and nothing of it is published."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from migrations_app.approvals import difference
from migrations_app.audit import chain
from migrations_app.models import Approval, AuditLine, Migration, Notice, Publication
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.usecases.ask_approval import ask_approval
from migrations_app.usecases.cancel_migration import cancel_migration
from migrations_app.usecases.choose_lines import LinesNotChosen, choose_lines
from migrations_app.usecases.decide_approval import DecisionRefused
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.override_approval import override_approval
from migrations_app.usecases.pause_migration import pause_migration
from migrations_app.usecases.resume_migration import resume_migration
from tests.approvals.moving import begin, carry, decide, to_end, until_asked, until_step, wait
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, story
from tests.zones.rig import Names, make_names

pytestmark = pytest.mark.django_db
State = Approval.State
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(nodes=1)
    world.clients_write = False  # hours of waiting would be hours of their writing
    return world


@pytest.fixture
def names(world: FakeWorld) -> Names:
    return make_names(world)


@pytest.fixture
def migration(world: FakeWorld, ada: User) -> Migration:
    return begin(world, ada)


def assert_not_opened(migration: Migration) -> None:
    migration.refresh_from_db()
    assert migration.frozen_at is None
    assert not migration.steps.filter(name="freeze", started_at__isnull=False).exists()


def refused(world: FakeWorld, approval: Approval, actor: User) -> set[str]:
    with pytest.raises(DecisionRefused) as refusal:
        decide(world, approval, actor)
    return {objection.id for objection in refusal.value.objections}


def choose(world: FakeWorld, migration: Migration, actor: User, *numbers: int) -> None:
    ids = migration.mentions.filter(number__in=numbers).values_list("pk", flat=True)
    choose_lines(migration=migration, ids=list(ids), actor=actor, now=world.clock())


def test_it_asks_by_itself_and_waits_before_anything_outside_is_touched(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    approval = until_asked(world, migration)
    wait(world, migration)
    assert_not_opened(migration)
    assert approval.asked_by == ada
    assert Notice.objects.filter(kind="asked").values_list("recipient", flat=True)[0] == boris.email
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == 3600
    assert "Waits for approval" in migration.progress["stage"]


def test_with_the_yes_it_goes_to_its_end_and_the_yes_is_spent(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    migration = to_end(world, migration)
    approval.refresh_from_db()
    assert migration.state == Migration.State.DONE, story(migration)
    assert (approval.state, approval.used_at) == (State.USED, migration.frozen_at)
    assert Approval.objects.count() == 1
    assert names.values("shop.example.net.", "A") == (NEW_ADDRESS,)
    line = AuditLine.objects.get(verb="use_approval")
    assert line.detail["approved_by"] == "boris"
    assert chain.verify() is None


def test_what_is_approved_is_all_that_will_change(
    world: FakeWorld, names: Names, migration: Migration, ada: User
) -> None:
    choose_first = until_asked(world, migration)
    choose(world, migration, ada, 1)
    content = until_asked(world, migration, after=choose_first).content
    shop = next(row for row in content["records"] if (row["name"], row["type"]) == ("shop.example.net", "A"))
    assert (shop["old"], shop["new"], shop["ttl"]) == ([ADDRESS], [NEW_ADDRESS], 3600)
    assert content["names_digest"] == Publication.objects.get(kind="switch").digest
    assert content["addresses"] == [{"old": ADDRESS, "new": NEW_ADDRESS}]
    assert content["lines_inside"] == [
        {"file": "etc/app.conf", "line": 1, "before": f"Listen {ADDRESS}:80", "after": f"Listen {NEW_ADDRESS}:80"}
    ]
    assert content["callers_are_hidden"] is False


def test_the_page_says_that_callers_will_be_hidden(world: FakeWorld, migration: Migration) -> None:
    world.node("node-far").tunnel_kinds = ()
    assert until_asked(world, migration).content["callers_are_hidden"] is True


def test_the_planner_and_whoever_chose_lines_cannot_approve(
    world: FakeWorld, migration: Migration, ada: User, boris: User
) -> None:
    ada.user_permissions.add(Permission.objects.get(codename="approve"))
    first = until_asked(world, migration)
    assert refused(world, first, ada) == {"own"}
    choose(world, migration, boris, 1)
    assert refused(world, until_asked(world, migration, after=first), boris) == {"own"}


def test_two_accounts_of_one_person_are_one_person(world: FakeWorld, migration: Migration) -> None:
    other = User.objects.create_user("ada-too", "ADA+2@panel.example", is_staff=True)
    other.user_permissions.add(Permission.objects.get(codename="approve"))
    assert refused(world, until_asked(world, migration), other) == {"same-person"}


def test_a_plan_without_an_author_is_asked_for_by_a_person_who_then_cannot_approve_it(
    world: FakeWorld, boris: User, ada: User
) -> None:
    migration = begin(world, None)  # type: ignore[arg-type]
    until_step(world, migration, "await_approval")
    wait(world, migration)
    assert not Approval.objects.exists()
    assert "ask for it" in migration.progress["stage"]
    subject = find_subject(kind="migration", subject_id=migration.pk)
    assert subject is not None
    settings_hours = {"approval_hours": 72}
    asked = ask_approval(subject=subject, actor=boris, now=world.clock(), settings=settings_hours)
    assert refused(world, asked, boris) == {"own"}


def test_other_lines_void_the_yes_and_it_waits_for_another(
    world: FakeWorld, migration: Migration, ada: User, boris: User
) -> None:
    """Also after the wait was over: the look before the freeze sends it back."""
    first = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    choose(world, migration, ada, 2)
    first.refresh_from_db()
    assert (first.state, first.ended_because) == (State.VOID, "other lines were chosen")
    second = until_asked(world, migration, after=first)
    wait(world, migration)
    assert_not_opened(migration)
    changes = difference.between(first.content, second.content)
    assert any(change.new == f"# was {NEW_ADDRESS}" for change in changes)
    decide(world, second, boris)
    assert carry(world, migration, lambda: migration.steps.filter(name="switch_names", state="skipped").exists())
    area = world.node("node-far").containers["101"].area
    assert area is not None
    assert area.texts["etc/app.conf"] == [f"Listen {ADDRESS}:80", f"# was {NEW_ADDRESS}"]


def test_lines_are_not_chosen_once_it_is_frozen(world: FakeWorld, migration: Migration, ada: User, boris: User) -> None:
    decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "stay_until_quiet")
    with pytest.raises(LinesNotChosen, match="past the point"):
        choose(world, migration, ada, 1)


def test_a_line_of_another_container_is_not_chosen(world: FakeWorld, migration: Migration, ada: User) -> None:
    until_asked(world, migration)
    with pytest.raises(LinesNotChosen, match="no longer among those found"):
        choose_lines(migration=migration, ids=[987_654], actor=ada, now=world.clock())


@pytest.mark.parametrize(
    "column",
    [{"new_addresses": ["198.51.100.66"]}, {"new_hostname": "evil.example.net"}, {"freeze_budget_seconds": 3000.0}],
)
def test_a_row_changed_past_the_panel_is_found_out(
    world: FakeWorld, migration: Migration, boris: User, column: dict[str, object]
) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    Migration.objects.filter(pk=migration.pk).update(**column)
    until_asked(world, migration, after=approval)
    assert_not_opened(migration)
    approval.refresh_from_db()
    assert approval.state == State.VOID


@pytest.mark.parametrize("loss", ["right", "account", "role"])
def test_a_right_lost_before_the_freeze_takes_the_yes_along(
    world: FakeWorld, migration: Migration, boris: User, loss: str
) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    if loss == "right":
        boris.user_permissions.clear()
    else:
        User.objects.filter(pk=boris.pk).update(**{"account": {"is_active": False}, "role": {"is_staff": False}}[loss])
    until_asked(world, migration, after=approval)
    assert_not_opened(migration)
    approval.refresh_from_db()
    assert (approval.state, "lost the right" in approval.ended_because) == (State.VOID, True)


def test_an_expired_yes_opens_nothing_and_is_asked_for_anew(
    world: FakeWorld, migration: Migration, boris: User
) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    world.clock.set(approval.valid_until)
    until_asked(world, migration, after=approval)
    assert_not_opened(migration)
    approval.refresh_from_db()
    assert approval.state == State.EXPIRED


def test_a_clock_before_the_yes_is_not_believed(world: FakeWorld, migration: Migration, boris: User) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    Approval.objects.filter(pk=approval.pk).update(decided_at=world.clock() + HOUR)
    carry(world, migration, lambda: "clock" in migration.log.order_by("-pk")[0].text)
    assert_not_opened(migration)


def test_a_no_parks_it_and_a_retry_alone_changes_nothing(
    world: FakeWorld, migration: Migration, ada: User, boris: User
) -> None:
    decide(world, until_asked(world, migration), boris, "reject")
    for _ in range(2):
        migration = carry(world, migration)
        assert (migration.state, migration.failure) == (Migration.State.PARKED, "ApprovalRejected")
        assert "as discussed" in migration.failure_detail
        answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    assert_not_opened(migration)


def test_one_person_may_stand_in_in_an_emergency(world: FakeWorld, migration: Migration, ada: User) -> None:
    approval = until_asked(world, migration)
    ada.user_permissions.add(Permission.objects.get(codename="override_approval"))
    override_approval(
        approval=approval,
        reason="it burns",
        actor=ada,
        now=world.clock(),
        settings={"staff_mail": ["all@panel.example"]},
    )
    until_step(world, migration, "freeze")
    assert migration.steps.get(name="freeze").started_at is not None


def test_a_record_changed_after_the_yes_opens_nothing_and_makes_a_new_difference(
    world: FakeWorld, names: Names, migration: Migration, boris: User
) -> None:
    """The new difference knows which TTLs to come back to, although they are lowered by then."""
    first = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    second = until_asked(world, migration, after=first)
    assert_not_opened(migration)
    first.refresh_from_db()
    assert first.state == State.VOID
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert "192.0.2.77" in story(migration)
    assert not any(row["name"] == "shop.example.net" and row["type"] == "A" for row in second.content["records"])
    spf = next(row for row in second.content["records"] if row["type"] == "TXT")
    assert (spf["ttl"], spf["ttl_then"]) == (3600, 60)
    decide(world, second, boris)
    migration = to_end(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert names.forward.rrsets["example.net.", "TXT"].ttl == 3600


def test_a_zone_that_only_moved_on_is_no_reason_to_ask_again(
    world: FakeWorld, names: Names, migration: Migration, boris: User
) -> None:
    decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "delta")
    names.forward.put("other-3.example.net.", "A", 3600, "192.0.2.250")
    until_step(world, migration, "freeze")
    assert migration.steps.get(name="freeze").started_at is not None
    assert Approval.objects.count() == 1


def test_a_difference_made_after_the_switch_needs_a_yes_of_its_own(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    """Changed in the very moment of the switch: the guard refuses, and what is made then was never approved."""
    first = decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "switch_names")
    if names.values("shop.example.net.", "A") == (ADDRESS,):
        names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    migration = carry(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "NamesMoved")
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    second = until_asked(world, migration, after=first)
    wait(world, migration)
    assert ADDRESS in names.values("pool.example.net.", "A")
    decide(world, second, boris)
    migration = to_end(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert NEW_ADDRESS in names.values("pool.example.net.", "A")


def test_it_is_paused_and_cancelled_while_it_waits(world: FakeWorld, migration: Migration, ada: User) -> None:
    until_asked(world, migration)
    pause_migration(migration=migration, actor=ada, now=world.clock())
    assert carry(world, migration).state == Migration.State.PAUSED
    resume_migration(migration=migration, actor=ada, now=world.clock())
    wait(world, migration)
    cancel_migration(migration=migration, actor=ada, now=world.clock())
    assert carry(world, migration).state == Migration.State.CANCELLED


def test_a_window_that_ends_while_it_waits_parks_it_and_going_on_is_an_edit(
    world: FakeWorld, ada: User, boris: User
) -> None:
    migration = begin(world, ada, window_ends_at=world.clock() + HOUR)
    first = until_asked(world, migration)
    migration = carry(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "WindowClosed")
    answer_parked(migration=migration, answer="retry", actor=boris, now=world.clock())
    second = until_asked(world, migration, after=first)
    assert (first.content["window_ends_at"] is None, second.content["window_ends_at"]) == (False, None)
    assert refused(world, second, boris) == {"own"}


def test_a_new_host_name_alone_needs_it_as_well(ada: User, boris: User) -> None:
    world = FakeWorld(nodes=2)
    world.clients_write = False
    migration = begin(world, ada, new_addresses=[], new_hostname="new.example.net", same_wire=True)
    approval = until_asked(world, migration)
    assert approval.content["new_host_name"] == "new.example.net"
    wait(world, migration)
    assert_not_opened(migration)
    decide(world, approval, boris)
    migration = to_end(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)


def test_another_move_of_the_same_container_needs_another(world: FakeWorld, migration: Migration, boris: User) -> None:
    approval = decide(world, until_asked(world, migration), boris)
    Approval.objects.filter(pk=approval.pk).update(subject_id=migration.pk + 1)
    until_asked(world, migration, after=approval)
    assert_not_opened(migration)


def test_where_no_policy_asks_for_it_one_person_is_enough(world: FakeWorld, migration: Migration) -> None:
    carry(world, migration, migration.steps.filter(name="freeze", state="done").exists, approval_for=["batches"])
    assert migration.steps.filter(name="freeze", state="done").exists()
    assert not Approval.objects.exists()
