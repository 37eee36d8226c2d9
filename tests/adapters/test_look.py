"""Looking at real servers: the honest ones are seen as they are, the others cost no more than the time allowed."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from migrations_app.adapters import certificates, looking
from migrations_app.adapters.probe import TcpProbe
from migrations_app.ports.probe import Face, Look, Service
from tests.adapters import servers
from tests.adapters.servers import served

# Never waited for in full; a machine with much else to do may need a while for a thread's turn.
ENOUGH_SECONDS = 60.0
# Waited for in full. A look that went on until its server gives up would last for minutes.
SHORT_SECONDS = 2.0
# A certificate's version as it is written in it; the second exists on paper only.
VERSION_3, VERSION_2 = bytes.fromhex("a003020102"), bytes.fromhex("a003020101")


@pytest.fixture(autouse=True)
def has_patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who speaks first be late in doing so, where one is to speak."""
    if "line" in request.fixturenames:
        monkeypatch.setattr(looking, "FIRST_WORD_SECONDS", ENOUGH_SECONDS)


def look(address: str, port: int, *names: str, seconds: float = ENOUGH_SECONDS) -> Look:
    (seen,) = TcpProbe().look([Service(address=address, port=port, names=names)], timeout_seconds=seconds)
    return seen


def only_face(seen: Look) -> Face:
    (face,) = seen.faces
    return face


def test_it_sees_status_and_title_of_a_page() -> None:
    with served(servers.page("Carla&#39;s  shop &amp;\n more"), 8080) as address:
        seen = look(address, 8080, "shop.example.net")
    assert (seen.answers, seen.kind) == (True, "http")
    assert only_face(seen) == Face(name="shop.example.net", status=200, title="Carla's shop & more")


def test_it_asks_by_each_of_the_names_and_reads_only() -> None:
    asked: list[bytes] = []
    with served(servers.page("Shop", asked=asked), 8080) as address:
        seen = look(address, 8080, "a.example", "b.example", "*.wild.example", "c.example", "d.example", "e.example")
    assert [face.name for face in seen.faces] == ["a.example", "b.example", "c.example", "d.example"]
    assert all(request.startswith(b"GET / HTTP/1.0\r\n") for request in asked)
    assert {request.split(b"Host: ")[1].split(b"\r\n")[0].decode() for request in asked} == {
        face.name for face in seen.faces
    }


@pytest.mark.parametrize("name", ["a b", "x\r\nEvil: 1", "a..b", "-" * 70, "ä.example", ""])
def test_it_asks_by_no_name_that_is_none(name: str) -> None:
    asked: list[bytes] = []
    with served(servers.page("Shop", asked=asked), 8080) as address:
        look(address, 8080, name)
    assert asked[0].split(b"\r\n")[1] == b"Host: " + address.encode()


def test_it_follows_no_redirect() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with served(servers.answers(away), 8080) as address:
        face = only_face(look(address, 8080))
    assert (face.status, face.title) == (302, "")


def test_it_sees_a_certificate_without_believing_it(tmp_path: Path) -> None:
    tls = servers.self_signed(tmp_path, "shop.example.net", "www.shop.example.net")
    with served(servers.page("Shop"), 8443, tls=tls) as address:
        seen = look(address, 8443, "shop.example.net")
    face = only_face(seen)
    assert (seen.kind, face.status, face.title) == ("https", 200, "Shop")
    assert face.certificate is not None
    assert face.certificate.names == ("shop.example.net", "www.shop.example.net")
    assert len(face.certificate.fingerprint) == 64
    assert face.certificate.not_after.endswith("+00:00")


def test_a_certificate_of_a_version_that_does_not_exist_has_a_fingerprint(tmp_path: Path) -> None:
    servers.self_signed(tmp_path, "shop.example.net")
    made = ssl.PEM_cert_to_DER_cert(
        (tmp_path / "shop.example.net.pem").read_text().partition("-----END PRIVATE KEY-----\n")[2]
    )
    assert certificates.read(made).names == ("shop.example.net",)
    assert made.count(VERSION_3) == 1
    read = certificates.read(made.replace(VERSION_3, VERSION_2))
    assert (len(read.fingerprint), read.not_after, read.names) == (64, "", ())


def test_an_error_in_one_look_costs_no_other(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    look_at_one = looking.look

    async def stumbles(service: Service, timeout_seconds: float) -> Look:
        if service.port == 8443:
            raise LookupError("nobody has thought of this")
        return await look_at_one(service, timeout_seconds)

    monkeypatch.setattr(looking, "look", stumbles)
    with served(servers.page("Shop"), 8080) as address:
        asked = [Service(address=address, port=port) for port in (8443, 8080)]
        spoilt, seen = TcpProbe().look(asked, timeout_seconds=ENOUGH_SECONDS)
    assert only_face(seen).title == "Shop"
    assert (spoilt.answers, spoilt.detail) == (False, "the panel cannot read what it shows (LookupError)")
    assert "nobody has thought of this" in caplog.text


def test_it_sees_plain_pages_on_a_port_of_tls() -> None:
    with served(servers.page("Plain"), 8443) as address:
        seen = look(address, 8443)
    assert (seen.kind, only_face(seen).title) == ("http", "Plain")


def test_it_sees_mail_behind_tls(tmp_path: Path) -> None:
    tls = servers.self_signed(tmp_path, "mail.example.net")
    with served(servers.says(b"* OK Dovecot ready.\r\n"), 993, tls=tls) as address:
        seen = look(address, 993)
    face = only_face(seen)
    assert (seen.kind, face.banner, face.certificate is not None) == ("imap", "* OK Dovecot ready.", True)


@pytest.mark.parametrize(
    ("port", "line", "kind", "banner"),
    [
        (22, b"SSH-2.0-OpenSSH_9.2p1\r\n", "ssh", "SSH-2.0-OpenSSH_9.2p1"),
        (25, b"220 mail.example.net ESMTP\r\n", "smtp", "220 mail.example.net ESMTP"),
        (21, b"220 ProFTPD\r\n", "ftp", "220 ProFTPD"),
        (2525, b"220 odd port\r\n", "smtp", "220 odd port"),
        (110, b"+OK ready <1896.69@host>\r\n", "pop3", "+OK ready <1896.69@host>"),
        (3306, b"\x4a\0\0\0\x0a5.7.33-log\0\x08\x03\0\0salt1234\0", "mysql", "5.7.33-log"),
        (9999, b"\x1b]0;evil\x07 \x00hello\xff\r\n", "speaks", "]0;evil hello\ufffd"),
        (9999, b"x" * 5000, "speaks", "x" * 200),
    ],
)
def test_it_hears_those_who_speak_first(port: int, line: bytes, kind: str, banner: str) -> None:
    with served(servers.says(line), port) as address:
        seen = look(address, port)
    assert (seen.kind, only_face(seen).banner) == (kind, banner)


def test_it_finds_a_page_where_nobody_expects_one() -> None:
    with served(servers.page("Admin"), 9000) as address:
        seen = look(address, 9000)
    assert (seen.kind, only_face(seen).title) == ("http", "Admin")


@pytest.mark.parametrize("port", [22, 25, 80, 443, 993, 9999])
def test_one_that_hangs_up_answers_all_the_same(port: int) -> None:
    with served(servers.hangs_up, port) as address:
        seen = look(address, port)
    assert (seen.answers, seen.kind, only_face(seen)) == (True, "tcp", Face(name=""))


@pytest.mark.parametrize("port", [22, 80, 9999])
def test_a_silent_one_costs_no_more_than_the_time(port: int) -> None:
    with served(servers.is_silent, port) as address:
        seen = look(address, port, seconds=SHORT_SECONDS)
    assert (seen.answers, seen.kind) == (True, "tcp")
    assert seen.seconds < servers.LONGEST_TALK_SECONDS / 2


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
ENDLESS = {
    "headers that never end": (HEAD, b"X-More: yes\r\n", 200, None),
    "one byte at a time": (b"", b"H", None, None),
    "a page that never ends": (HEAD + b"\r\n<html>", b" ", 200, None),
    "a title that never ends": (HEAD + b"\r\n<title>Shop", b"!", 200, None),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_one_that_drips_costs_no_more_than_the_time(case: str) -> None:
    beginning, drop, status, title = ENDLESS[case]
    with served(servers.drips(beginning, drop), 80) as address:
        seen = look(address, 80, seconds=SHORT_SECONDS)
    assert seen.seconds < servers.LONGEST_TALK_SECONDS / 2
    assert seen.answers
    assert [(face.status, face.title) for face in seen.faces] == [(status, title)]


def test_one_that_drips_its_first_words_is_heard_as_far_as_it_came() -> None:
    with served(servers.drips(b"220 m", b"a"), 25) as address:
        seen = look(address, 25, seconds=SHORT_SECONDS)
    assert seen.kind == "smtp"
    assert only_face(seen).banner.startswith("220 ma")


def test_a_silent_handshake_costs_no_more_than_the_time() -> None:
    with served(servers.drips(b"\x16\x03\x03", b"\x40"), 443) as address:
        seen = look(address, 443, "shop.example.net", "www.example.net", seconds=SHORT_SECONDS)
    assert seen.answers
    assert seen.seconds < servers.LONGEST_TALK_SECONDS / 2


def test_it_reads_64_kib_of_a_title_of_ten_megabytes_and_keeps_200_letters() -> None:
    sent: list[int] = []

    def talk(caller: socket.socket) -> None:
        servers.answers(HEAD + b"\r\n<title>" + b"A" * 10_000_000 + b"</title>")(caller)
        sent.append(1)

    with served(talk, 80) as address:
        seen = look(address, 80)
    assert only_face(seen).title == "A" * 200
    assert sent == []


def test_a_title_is_taken_as_text() -> None:
    with served(servers.page("&lt;script&gt;alert(1)&lt;/script&gt;\x1b[2J\u202e"), 80) as address:
        face = only_face(look(address, 80))
    assert face.title == "<script>alert(1)</script> [2J"


def test_it_reports_a_refusal_in_words() -> None:
    seen = look(servers.own_address(), 80)
    assert (seen.answers, seen.detail, seen.faces) == (False, "Connection refused", ())


def test_it_looks_at_all_of_them_at_the_same_time() -> None:
    """None is answered before all have asked."""
    everybody = threading.Barrier(8)

    def talk(caller: socket.socket) -> None:
        everybody.wait(ENOUGH_SECONDS)
        servers.page("Shop")(caller)

    with served(talk, 80) as address:
        services = [Service(address=address, port=80) for _ in range(8)]
        seen = TcpProbe().look(services, timeout_seconds=ENOUGH_SECONDS)
    assert [only_face(one).title for one in seen] == ["Shop"] * 8
