"""The pages nobody wants to see: they say what happened to one's work, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.web import home

SECRET = "postgres://panel:hunter2@db/panel"


def test_a_bug_shows_no_data(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(now: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(home, "_overview_part", stumble)
    client.raise_request_exception = False
    client.force_login(ada)
    response = client.get(reverse("home"))
    assert response.status_code == 500
    assert "The panel stumbled" in response.content.decode()
    assert SECRET not in response.content.decode()


def test_an_old_form_says_that_nothing_was_changed(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    response = client.post(reverse("node-add"), {"name": "x"})
    assert response.status_code == 403
    assert "Nothing was changed" in response.content.decode()


def test_what_is_not_there_leads_back(client: Client, ada: User) -> None:
    client.force_login(ada)
    response = client.get("/no-such-page/")
    assert response.status_code == 404
    assert reverse("home") in response.content.decode()


def test_a_host_that_is_not_ours_is_refused(client: Client, db: None) -> None:
    response = client.get(reverse("sign-in"), headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


def test_a_form_that_is_too_big_is_refused(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.post(reverse("node-add"), {"name": "x" * 2_000_000}).status_code == 400


def test_every_answer_carries_the_content_policy(client: Client, db: None) -> None:
    policy = client.get(reverse("sign-in"))["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
