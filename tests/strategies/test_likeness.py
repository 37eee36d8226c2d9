"""What counts as another service, what the move itself explains, and what changes by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrations_app.ports.probe import Certificate, Face, Look
from migrations_app.strategies import likeness
from migrations_app.strategies.likeness import FOLLOWED, MENDED, RENEWED, UNSTEADY, contrasts

OLD, NEW = "192.0.2.1", "198.51.100.7"
RENAMED = ((OLD, NEW), ("shop.example.net", "new.example.net"))
PAGE = Face(name="shop.example.net", status=200, title="Shop")
CERTIFICATE = Certificate(
    fingerprint="a" * 64, not_after="2027-01-01T00:00:00+00:00", names=("shop.example.net", "www.example.net")
)
ALIKE = "alike"


def look(kind: str = "http", **changes: object) -> Look:
    return Look(answers=True, seconds=0.1, kind=kind, faces=(replace(PAGE, **changes),))  # type: ignore[arg-type]


def told(before: Look, after: Look, **more: object) -> dict[str, str]:
    found = contrasts(before, after, place="192.0.2.1:80", renamed=RENAMED, **more)  # type: ignore[arg-type]
    return {one.aspect: one.explanation for one in found}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("Shop", "Shop", ALIKE),
        ("Inbox (3)", "Inbox (12)", ALIKE),
        ("Shop", "It works!", ""),
        ("Shop", "", ""),
        ("", "502 Bad Gateway", ""),
        ("Shop", None, ""),
        (None, "Shop", ALIKE),
        (f"Index of {OLD}", f"Index of {NEW}", FOLLOWED),
        ("Welcome to shop.example.net", "Welcome to new.example.net", FOLLOWED),
        ("Welcome to myshop.example.net", "Welcome to mynew.example.net", ""),
        ("Welcome to shop.example.network", "Welcome to new.example.network", ""),
    ],
)
def test_titles(before: str | None, after: str | None, verdict: str) -> None:
    found = told(look(title=before), look(title=after))
    assert found == ({} if verdict == ALIKE else {"title": verdict})


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (200, 200, ALIKE),
        (200, 404, ""),
        (200, 503, ""),
        (301, 302, ""),
        (503, 200, MENDED),
        (500, 502, ""),
        (200, None, ""),
    ],
)
def test_statuses(before: int | None, after: int | None, verdict: str) -> None:
    assert told(look(status=before), look(status=after)) == ({} if verdict == ALIKE else {"status": verdict})


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-OpenSSH_9.2p1", ALIKE),
        ("SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-OpenSSH_9.3p1", ""),
        (
            "220 m.example ESMTP Exim 4.94 Sat, 28 Nov 2026 07:21:41 +0000",
            "220 m.example ESMTP Exim 4.94 Sun, 29 Nov 2026 11:02:03 +0100",
            ALIKE,
        ),
        ("220 m.example ESMTP Exim 4.94 Sat, 28 Nov 2026 07:21:41 +0000", "220 m.example ESMTP Exim 4.95", ""),
        ("+OK ready <1896.697170952@m.example>", "+OK ready <7.77@m.example>", ALIKE),
        ("220 m.example ESMTP a1b2c3d4e5f6", "220 m.example ESMTP 99aa88bb77cc", ALIKE),
        ("220 m.example ESMTP Postfix", "554 m.example ESMTP Postfix", ""),
        ("220 m.example ESMTP Postfix", "", ""),
        (f"220 ProFTPD [{OLD}]", f"220 ProFTPD [{NEW}]", FOLLOWED),
        (f"220 ProFTPD [::ffff:{OLD}]", f"220 ProFTPD [::ffff:{NEW}]", FOLLOWED),
        ("220 ProFTPD [192.0.2.11]", "220 ProFTPD [198.51.100.71]", ""),
        ("220 shop.example.net ESMTP", "220 new.example.net ESMTP", FOLLOWED),
        ("220 shop.example.net ESMTP", "220 localhost ESMTP", ""),
    ],
)
def test_banners(before: str, after: str, verdict: str) -> None:
    found = told(look("smtp", banner=before), look("smtp", banner=after))
    assert found == ({} if verdict == ALIKE else {"banner": verdict})


OTHER = "b" * 64
CERTIFICATES: dict[str, tuple[Certificate | None, Certificate | None, str]] = {
    "the same": (CERTIFICATE, CERTIFICATE, ALIKE),
    "none, as before": (None, None, ALIKE),
    "gone": (CERTIFICATE, None, ""),
    "new": (None, CERTIFICATE, ""),
    "renewed": (CERTIFICATE, replace(CERTIFICATE, fingerprint=OTHER, not_after="2027-04-01T00:00:00+00:00"), RENEWED),
    "older again": (CERTIFICATE, replace(CERTIFICATE, fingerprint=OTHER, not_after="2026-04-01T00:00:00+00:00"), ""),
    "another of the same age": (CERTIFICATE, replace(CERTIFICATE, fingerprint=OTHER), ""),
    "of others": (CERTIFICATE, replace(CERTIFICATE, fingerprint=OTHER, names=("evil.example",)), ""),
    "for the new name": (
        CERTIFICATE,
        replace(CERTIFICATE, fingerprint=OTHER, names=("new.example.net", "www.example.net")),
        FOLLOWED,
    ),
    "both unreadable": (replace(CERTIFICATE, names=()), replace(CERTIFICATE, fingerprint=OTHER, names=()), ""),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_certificates(case: str) -> None:
    before, after, verdict = CERTIFICATES[case]
    found = told(look("https", certificate=before), look("https", certificate=after))
    assert found == ({} if verdict == ALIKE else {"certificate": verdict})


def test_another_kind_of_service_is_told_once() -> None:
    assert told(look("https", certificate=CERTIFICATE), look("http", title="Other")) == {"kind": ""}


def test_every_name_is_compared_with_itself() -> None:
    other = Face(name="www.example.net", status=200, title="Second shop")
    before = replace(look(), faces=(PAGE, other))
    after = replace(look(), faces=(replace(other, title="Shop"), PAGE))
    (found,) = contrasts(before, after, place="192.0.2.1:80", renamed=())
    assert (found.name, found.before, found.after) == ("www.example.net", "Second shop", "Shop")


def test_what_was_unsteady_before_proves_nothing() -> None:
    first, second = look(title="Quote: be brave"), look(title="Quote: be kind")
    unsteady = likeness.unlike(first, second)
    assert unsteady == [("shop.example.net", "title")]
    assert told(second, look(title="Quote: be quick", status=500), unsteady=unsteady) == {
        "title": UNSTEADY,
        "status": "",
    }


def test_it_says_what_was_and_what_is() -> None:
    (found,) = contrasts(look("https", certificate=CERTIFICATE), look("https"), place="192.0.2.1:443", renamed=RENAMED)
    assert (found.place, found.aspect, found.after) == ("192.0.2.1:443", "certificate", "none")
    assert found.before == "aaaaaaaaaaaaaaaa, until 2027-01-01, for shop.example.net, www.example.net"


@pytest.mark.parametrize("text", ["1" * 200, "a" * 200, "<" * 200, "12:" * 66, "Sat, " * 40, "<a@" * 60])
def test_no_text_takes_long(text: str) -> None:
    assert told(look("smtp", banner=text), look("smtp", banner=text + "!")) in ({}, {"banner": ""})


def test_silence_is_told_and_two_silences_are_alike() -> None:
    silences = [Look(answers=False, seconds=2.5, detail=detail) for detail in ("Connection refused", "no answer")]
    found = [contrasts(look(), silence, place="192.0.2.1:80", renamed=())[0] for silence in silences]
    assert [(one.aspect, one.before, one.after, one.explanation) for one in found] == [
        ("answers", "yes", "Connection refused", ""),
        ("answers", "yes", "no answer", ""),
    ]
    assert found[0].steady == found[1].steady


def test_nothing_is_known_of_what_was_not_looked_at() -> None:
    assert contrasts(Look(answers=True, seconds=0.1), look(), place="192.0.2.1:80", renamed=()) == []
