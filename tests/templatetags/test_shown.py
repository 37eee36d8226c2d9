"""How amounts and moments are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from migrations_app.models import Container, Finding, Migration, Node, Preparation, StepRun
from migrations_app.templatetags import shown, tones

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, shown.UNKNOWN),
        (0, "0 ms"),
        (0.84, "840 ms"),
        (1, "1.0 s"),
        (9.99, "10.0 s"),
        (11, "11 s"),
        (59.6, "1 min 00 s"),
        (131, "2 min 11 s"),
        (3900, "1 h 05 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_is_written_as_people_say_it(seconds: float | None, text: str) -> None:
    assert shown.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, shown.UNKNOWN),
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (2**40, "1.0 TiB"),
        (2**70, "1048576 PiB"),
    ],
)
def test_a_size_is_written_in_its_unit(count: int | None, text: str) -> None:
    assert shown.size(count) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "Sun 1 Mar 2026, 23:30 UTC"),
        ("Europe/Berlin", "Mon 2 Mar 2026, 00:30 CET"),
        ("America/New_York", "Sun 1 Mar 2026, 18:30 EST"),
        ("Asia/Dubai", "Mon 2 Mar 2026, 03:30 UTC+04"),
    ],
)
def test_a_moment_is_shown_in_the_readers_zone_which_is_named(zone: str, text: str) -> None:
    with timezone.override(zone):
        written = shown.moment(datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    assert written == f'<time datetime="2026-03-01T23:30:00+00:00">{text}</time>'


@pytest.mark.parametrize(("month", "zone_name"), [(1, "CET"), (7, "CEST")])
def test_summer_time_is_named_as_such(month: int, zone_name: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert f" {zone_name}</time>" in shown.moment(datetime(2026, month, 1, tzinfo=UTC))


def test_a_fingerprint_is_the_one_that_ssh_keygen_prints() -> None:
    assert shown.fingerprint(KEY) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


@pytest.mark.parametrize("broken", ["", "ssh-ed25519", "ssh-ed25519 ***", "ssh-ed25519 AAA"])
def test_what_is_no_key_has_no_fingerprint(broken: str) -> None:
    assert shown.fingerprint(broken) == ""


@pytest.mark.parametrize("name", ["HostKeyMoved", "host_key_moved", "host-key-moved", "hostKeyMoved"])
def test_a_failures_name_leads_to_its_page(name: str) -> None:
    assert shown.kebab(name) == "host-key-moved"


@pytest.mark.parametrize(
    ("name", "page"), [("NotAnOpenVZNode", "not-an-open-vz-node"), ("OpenVZNotRunning", "open-vz-not-running")]
)
def test_an_acronym_in_a_name_is_one_word(name: str, page: str) -> None:
    assert shown.kebab(name) == page


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(1, 3, 33), (5, 3, 100), (-1, 3, 0), (1, 0, None), (None, 3, None), (1, None, None)]
)
def test_a_share_is_whole_percent_or_unknown(part: int | None, whole: int | None, percent: int | None) -> None:
    assert shown.percent_of(part, whole) == percent


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("migration", Migration.State),
        ("step", StepRun.State),
        ("container", Container.Status),
        ("node", Node.State),
        ("preparation", Preparation.State),
        ("severity", Finding.Severity),
    ],
)
def test_every_word_of_state_has_a_tone(kind: str, words: type) -> None:
    assert set(tones.TONES[kind]) == set(words.values)


def test_every_state_of_a_step_has_an_icon() -> None:
    assert set(tones.STEP_ICONS) == set(StepRun.State.values)


def test_every_phase_of_a_move_has_a_word() -> None:
    assert set(tones.MOVE_WORDS) == set(tones.TONES["move"])
