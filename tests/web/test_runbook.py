"""The runbook in the panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from migrations_app.web import runbook
from tests.factories import make_migration, make_node

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.fixture(autouse=True)
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client, ada: User) -> Path:
    (tmp_path / "host-key-changed.md").write_text("# The host key changed\n\nAsk <who> changed it.\n")
    monkeypatch.setattr(runbook, "FOLDER", tmp_path)
    client.force_login(ada)
    return tmp_path


def test_it_lists_the_pages(client: Client) -> None:
    body = client.get(reverse("runbook")).content.decode()
    assert "The host key changed" in body
    assert reverse("runbook-page", args=["host-key-changed"]) in body


def test_it_shows_a_page_as_text(client: Client) -> None:
    body = client.get(reverse("runbook-page", args=["host-key-changed"])).content.decode()
    assert "Ask &lt;who&gt; changed it." in body


@pytest.mark.parametrize("name", ["HostKeyChanged", "host-key-changed"])
def test_a_failure_finds_its_page_by_either_spelling(name: str) -> None:
    found = runbook.find(name)
    assert found
    assert found.title == "The host key changed"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/passwd", "no-such", "..", "a\x00b", "a" * 300])
def test_it_reads_nothing_outside_the_runbook(name: str) -> None:
    assert runbook.find(name) is None


def test_a_page_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get(reverse("runbook-page", args=["no-such-page"])).status_code == 404


@pytest.mark.django_db
def test_the_page_of_a_failure_carries_its_text(client: Client) -> None:
    migration = make_migration(state="parked", failure="HostKeyChanged", failure_detail="x")
    node = make_node(fault="HostKeyChanged")
    for url in (reverse("migration", args=[migration.pk]), reverse("node", args=[node.pk])):
        body = client.get(url).content.decode()
        assert "What to do: The host key changed" in body
        assert "Ask &lt;who&gt; changed it." in body


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "unfolded"), [("parked", True), ("failed", False)])
def test_the_page_is_unfolded_where_a_person_is_waited_for(client: Client, state: str, unfolded: bool) -> None:
    migration = make_migration(state=state, failure="HostKeyChanged", failure_detail="x")
    before, _, _ = client.get(reverse("migration", args=[migration.pk])).content.decode().partition("What to do: ")
    assert before.rpartition("<details")[2].split(">")[0].endswith(" open") is unfolded


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(TEMPLATES)))


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_needs_more_than_the_content_policy_allows(path: Path) -> None:
    text = path.read_text()
    for forbidden in (
        "style=",
        "<style",
        "onclick",
        "onload",
        "hx-on",
        "javascript:",
        "|safe",
        "autoescape off",
        "http://",
    ):
        assert forbidden not in text
