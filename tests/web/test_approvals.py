from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Approval, Batch
from tests.approvals.stage import approve, ask, decide, make_batch
from tests.fakes.clock import START

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def now_is_when_it_was_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: START)


@pytest.fixture
def batch(ada: User) -> Batch:
    return make_batch(ada, name=f"Empty {HOSTILE}"[:60])


@pytest.fixture
def page(client: Client, boris: User) -> Client:
    client.force_login(boris)
    return client


def post(client: Client, name: str, number: int, **values: str) -> str:
    return client.post(reverse(name, args=[number]), values, follow=True).content.decode()


def test_what_waits_for_me_is_listed_and_counted(page: Client, batch: Batch, ada: User) -> None:
    ask(batch, ada)
    response = page.get(reverse("approvals"))
    assert [row.title for row in response.context["waiting"]] == [str(batch)]
    assert "waiting for you" in response.content.decode()
    page.force_login(ada)
    response = page.get(reverse("approvals"))
    assert not response.context["waiting"]
    assert "waiting for you" not in response.content.decode()


def test_the_page_shows_all_that_is_hashed(page: Client, batch: Batch, ada: User) -> None:
    approval = ask(batch, ada)
    body = page.get(reverse("approval", args=[approval.pk])).content.decode()
    assert HOSTILE not in body
    for item in batch.items.select_related("container", "source", "target"):
        for words in (item.container.ctid, item.container.hostname, item.source.name, item.target.name):
            assert words in body
    assert approval.digest in body
    assert "Most per node" in body


def test_it_is_approved_with_a_comment(page: Client, batch: Batch, ada: User, boris: User) -> None:
    approval = ask(batch, ada)
    post(page, "approval-decide", approval.pk, decision="approve", comment="fine\nby me")
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by, approval.comment) == ("approved", boris, "fine by me")
    assert str(batch) in [row.title for row in page.get(reverse("approvals")).context["page"]]


def test_it_is_rejected_only_with_a_comment(page: Client, batch: Batch, ada: User) -> None:
    approval = ask(batch, ada)
    assert "Say what is wrong" in post(page, "approval-decide", approval.pk, decision="reject")
    post(page, "approval-decide", approval.pk, decision="reject", comment="not tonight")
    approval.refresh_from_db()
    assert approval.state == Approval.State.REJECTED


@pytest.mark.parametrize("decision", ["", "yes", "override"])
def test_any_other_decision_is_none(page: Client, batch: Batch, ada: User, decision: str) -> None:
    approval = ask(batch, ada)
    post(page, "approval-decide", approval.pk, decision=decision)
    approval.refresh_from_db()
    assert approval.state == Approval.State.ASKED


def test_the_author_is_told_why_not_and_gets_no_button(page: Client, batch: Batch, ada: User) -> None:
    approval = ask(batch, ada)
    page.force_login(ada)
    body = page.get(reverse("approval", args=[approval.pk])).content.decode()
    assert 'value="approve"' not in body
    assert "cannot approve it" in body
    assert "cannot approve it" in post(page, "approval-decide", approval.pk, decision="approve")


def test_what_changed_since_is_shown_and_asked_for_anew(page: Client, batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    Batch.objects.filter(pk=batch.pk).update(most_at_once=77)
    response = page.get(reverse("approval", args=[approval.pk]))
    assert [(change.place, change.old, change.new) for change in response.context["changes"]] == [
        ("terms / most at once", "4", "77")
    ]
    post(page, "batch-ask-approval", batch.pk, reason="more at once")
    approval.refresh_from_db()
    new = Approval.objects.latest("pk")
    assert (approval.state, new.state, new.asked_by, new.reason) == ("void", "asked", boris, "more at once")


def test_an_emergency_is_offered_to_those_who_have_the_right(page: Client, batch: Batch, ada: User) -> None:
    approval = ask(batch, ada)
    url = reverse("approval", args=[approval.pk])
    assert "Emergency" not in page.get(url).content.decode()
    ada.user_permissions.add(Permission.objects.get(codename="override_approval"))
    page.force_login(ada)
    assert "Emergency" in page.get(url).content.decode()
    post(page, "approval-override", approval.pk, reason="it burns")
    approval.refresh_from_db()
    assert (approval.state, approval.overridden) == ("approved", True)
    assert approval in page.get(reverse("approvals")).context["overridden"]


def test_the_link_in_the_mail_leads_through_the_sign_in(client: Client, batch: Batch, ada: User) -> None:
    url = reverse("approval", args=[ask(batch, ada).pk])
    response = client.get(url)
    assert response["Location"] == f"{reverse('sign-in')}?next={url}"


def test_a_running_batch_is_not_asked_for(page: Client, batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(state="running")
    assert "nothing to approve" in post(page, "batch-ask-approval", batch.pk)


@pytest.mark.parametrize("text", ["\0", "x" * 100_000, "\ud7ff\u202e", "'; DROP TABLE"])
def test_nonsense_as_a_comment_is_no_error(page: Client, batch: Batch, ada: User, text: str) -> None:
    approval = ask(batch, ada)
    post(page, "approval-decide", approval.pk, decision="approve", comment=text)
    approval.refresh_from_db()
    assert approval.state == Approval.State.APPROVED


def test_long_lists_cost_no_more_queries(
    page: Client, ada: User, boris: User, django_assert_max_num_queries: object
) -> None:
    for _ in range(4):
        approve(make_batch(ada, moves=1), asked_by=ada, by=boris)
        ask(make_batch(ada, moves=1), ada)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page.get(reverse("approvals"))


def offered(page: Client, batch: Batch) -> set[str]:
    body = page.get(reverse("batch", args=[batch.pk])).content.decode()
    return {
        name for name in ("batch-start", "batch-resume", "batch-ask-approval") if reverse(name, args=[batch.pk]) in body
    }


def test_the_page_of_a_batch_leads_from_asking_to_starting(page: Client, batch: Batch, ada: User, boris: User) -> None:
    assert offered(page, batch) == {"batch-ask-approval"}
    approval = ask(batch, ada)
    assert offered(page, batch) == set()
    decide(approval, boris, now=START)
    assert offered(page, batch) == {"batch-start"}
    post(page, "batch-start", batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.RUNNING
    Batch.objects.filter(pk=batch.pk).update(state="paused")
    assert offered(page, batch) == {"batch-resume"}
    Batch.objects.filter(pk=batch.pk).update(most_at_once=50)
    assert offered(page, batch) == {"batch-ask-approval"}
    assert "needs a new approval" in post(page, "batch-resume", batch.pk)


def test_a_start_without_approval_is_refused_in_words(page: Client, batch: Batch) -> None:
    assert "needs the approval of a second person" in post(page, "batch-start", batch.pk)
