"""What services say, read without believing it: greetings of those that speak first, and pages of the web."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

Enough = Callable[[bytes], bool]

LONGEST_BANNER, LONGEST_TITLE = 200, 200
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?=[ \r\n])")
_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>([^<]{0,2000})", re.IGNORECASE)
_END_OF_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>[^<]{0,2000}<", re.IGNORECASE)
_HTML = re.compile(rb"\ncontent-type: *text/html[^\r\n]{0,100}", re.IGNORECASE)
_MYSQL = re.compile(rb".{3}\x00\x0a([\x20-\x7e]{1,60})\x00", re.DOTALL)
_KINDS = {b"SSH-": "ssh", b"+OK": "pop3", b"* OK": "imap", b"* BYE": "imap", b"* PREAUTH": "imap"}
_FTP_PORTS = frozenset({20, 21, 990, 2121})
_HOST = re.compile(r"(?=.{1,253}\Z)[0-9A-Za-z_-]{1,63}(\.[0-9A-Za-z_-]{1,63})*")


def is_host(name: str) -> bool:
    """Return whether it can be asked for by this name; wildcards and what is no name cannot."""
    return _HOST.fullmatch(name) is not None


def request(host: str) -> bytes:
    """Return how a page is asked for: of HTTP/1.0, so that it comes in one piece and then ends."""
    place = f"[{host}]" if ":" in host else host
    return (
        f"GET / HTTP/1.0\r\nHost: {place}\r\nUser-Agent: OVZPanel\r\n"
        "Accept: text/html, */*;q=0.1\r\nConnection: close\r\n\r\n"
    ).encode()


def status(page: bytes) -> int | None:
    found = _STATUS.match(page)
    return int(found[1]) if found else None


def has_title(page: bytes) -> bool:
    """Return whether nothing that is looked for can follow: a title is there, or it is no page of HTML."""
    head, end, body = page.partition(b"\r\n\r\n")
    return bool(end) and (not _HTML.search(head) or _END_OF_TITLE.search(body) is not None)


def title(page: bytes, *, whole: bool) -> str | None:
    """Return the page's title, empty where it has none; None: more would have to be read to know."""
    head, end, body = page.partition(b"\r\n\r\n")
    if end and not _HTML.search(head):
        return ""
    found = _TITLE.search(body)
    if found and (whole or _END_OF_TITLE.search(body)):
        return clean(html.unescape(found[1].decode("utf-8", "replace")), LONGEST_TITLE)
    return "" if whole else None


def is_whole_greeting(heard: bytes) -> bool:
    """A line, or so much that no more is wanted; MySQL's greeting has no lines."""
    return b"\n" in heard or len(heard) > LONGEST_BANNER or _MYSQL.match(heard) is not None


def greeting(heard: bytes, port: int) -> tuple[str, str]:
    """Return what kind of service greets so, and the line; of MySQL's only the version is the same each time."""
    if found := _MYSQL.match(heard):
        return "mysql", found[1].decode("ascii")
    line = clean(heard.partition(b"\n")[0].decode("utf-8", "replace"), LONGEST_BANNER)
    for beginning, kind in _KINDS.items():
        if heard.startswith(beginning):
            return kind, line
    if re.match(rb"[245][0-9]{2}[ -]", heard):
        return "ftp" if port in _FTP_PORTS else "smtp", line
    return "speaks", line


def clean(text: str, longest: int) -> str:
    """Return the text on one line, without anything that is not shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:longest]
