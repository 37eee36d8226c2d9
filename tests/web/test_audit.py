from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.audit import trail
from tests.audit.stage import write_lines
from tests.fakes.clock import START


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    trail.record("pause", "m7: 101", actor=ada, now=START, reason="The disk is slow.", before="running", after="paused")
    trail.record("container_vanished", "102", actor=None, now=START.replace(year=2025), node="node-1")
    return client


def shown(page: Client, **query: str) -> list[int]:
    response = page.get(reverse("audit"), query)
    assert response.status_code == 200
    return [row["line"].number for row in response.context["lines"]]


def test_it_says_who_what_why_before_and_after(page: Client) -> None:
    body = page.get(reverse("audit")).content.decode()
    for words in ("ada", "m7: 101", "The disk is slow.", "running", "paused", "the panel", "node-1"):
        assert words in body


def test_it_finds(page: Client, ada: User) -> None:
    assert shown(page) == [2, 1]
    assert shown(page, q="m7") == [1]
    assert shown(page, q="disk is slow") == [1]
    assert shown(page, who=str(ada.pk)) == [1]
    assert shown(page, who="panel") == [2]
    assert shown(page, verb="pause") == [1]
    assert shown(page, until="2025-12-31") == [2]
    assert shown(page, since="2026-01-01") == [1]


@pytest.mark.parametrize(
    "query", [{"who": "0x"}, {"since": "never"}, {"q": "\0"}, {"until": "9999-12-31"}, {"page": "-9"}]
)
def test_nonsense_is_no_error(page: Client, query: dict[str, str]) -> None:
    assert page.get(reverse("audit"), query).status_code == 200


def test_a_long_trail_costs_no_more_queries(page: Client, django_assert_num_queries: object) -> None:
    write_lines(120)
    with django_assert_num_queries(9):  # type: ignore[operator]
        response = page.get(reverse("audit"))
    assert len(response.context["lines"]) == 50


def test_it_is_taken_away_as_csv_and_json(page: Client) -> None:
    csv = b"".join(page.get(reverse("audit-csv"), {"verb": "pause"})).decode().splitlines()
    assert len(csv) == 2
    assert csv[1].startswith("1,")
    assert "The disk is slow.,running,paused" in csv[1]
    lines = b"".join(page.get(reverse("audit-jsonl"))).decode().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2]


def test_what_strangers_write_is_shown_and_never_run(page: Client) -> None:
    trail.record("add_node", "<script>alert(1)</script>", actor=None, now=START, note="=cmd()", before="<b>")
    body = page.get(reverse("audit")).content.decode()
    assert "<script>alert" not in body
    csv = b"".join(page.get(reverse("audit-csv"))).decode()
    assert ",<script>" in csv
