"""What may be called what: identifiers, host names, addresses, keys, and text that came from elsewhere."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import unicodedata
from collections.abc import Iterable

LOWEST_CTID, HIGHEST_CTID = 101, 2_147_483_644  # below 101 OpenVZ keeps for itself
LONGEST_HOST_NAME, LONGEST_LABEL = 253, 63
KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")

_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII | re.IGNORECASE)
_FILE_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]|\.(?!\.)){0,127}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
# CSI with its parameters; OSC, DCS and friends up to their end; any other two-character escape.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_])[^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL
)

_NEVER_A_MACHINE = (ipaddress.ip_network("0.0.0.0/8"), ipaddress.ip_network("240.0.0.0/4"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadValue(ValueError):
    """A value breaks the rules of its field; nothing was sent anywhere."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field} {clean_line(repr(value), limit=80)}: {reason}")
        self.field = field
        self.reason = reason


def checked_ctid(value: str) -> str:
    """Return the container id as the tools spell it: a plain number or a lower-case UUID.

    :raises BadValue:
    """
    if _UUID.fullmatch(value.lower()) and value.isascii():
        return value.lower()
    if not _NUMBER.fullmatch(value):
        raise BadValue("CTID", value, "must be a whole number without sign or leading zero, or a UUID")
    if not LOWEST_CTID <= int(value) <= HIGHEST_CTID:
        raise BadValue("CTID", value, f"must be between {LOWEST_CTID} and {HIGHEST_CTID}; lower ones are reserved")
    return value


def checked_number(value: int, *, field: str, lowest: int = 0, highest: int = 10**18) -> str:
    """Return the number's decimal digits.

    :raises BadValue: out of range, or a truth value in a number's clothes.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise BadValue(field, value, f"must be a whole number from {lowest} to {highest}")
    return str(value)


def checked_migration(value: int) -> str:
    return checked_number(value, field="migration", lowest=1)


def checked_host_name(value: str, *, field: str = "host name") -> str:
    """Return the name in lower case.

    :raises BadValue: with what to write instead where that can be said.
    """
    if not value.isascii():
        raise BadValue(field, value, "has letters outside ASCII; write it in its xn-- form")
    if not value or len(value) > LONGEST_HOST_NAME:
        raise BadValue(field, value, f"must have 1 to {LONGEST_HOST_NAME} characters, has {len(value)}")
    if _is_address(value):
        raise BadValue(field, value, "is an address; a name is wanted here")
    for label in value.split("."):
        if len(label) > LONGEST_LABEL:
            raise BadValue(field, value, f"one part has {len(label)} characters, {LONGEST_LABEL} are allowed")
        if not _LABEL.fullmatch(label):
            raise BadValue(field, value, "parts between dots hold letters, digits and inner dashes, nothing else")
    if value.rsplit(".", maxsplit=1)[-1].isdecimal():
        # The system's resolver would take 1.2.3 for an address in short form.
        raise BadValue(field, value, "the last part must not be a number")
    return value.lower()


def checked_address(value: str, *, field: str = "address") -> str:
    """Return the canonical form of an address that one machine can own and others can reach.

    :raises BadValue:
    """
    return str(_unicast(value, field=field))


def checked_public_key(value: str) -> tuple[str, str]:
    """Return type and base64 of a public key line; a comment after them is dropped.

    :raises BadValue: also when the type inside the key differs from the one in front of it.
    """
    words = value.split(maxsplit=2)
    if len(words) < 2 or words[0] not in KEY_TYPES:
        raise BadValue("public key", value, f"must begin with one of {', '.join(KEY_TYPES)} and go on with the key")
    kind, body = words[0], words[1]
    if not _BASE64.fullmatch(body) or not 40 <= len(body) <= 1_400 or not _names_itself(body, kind):
        raise BadValue("public key", value, f"is not a {kind} key")
    return kind, body


def base64_line(text: str) -> str:
    """Return a line of text as a word of a request.

    :raises BadValue: empty, longer than 900 bytes, or more than one line.
    """
    raw = text.encode()
    if not 0 < len(raw) <= 900 or b"\n" in raw or b"\0" in raw:
        raise BadValue("text", text, "must be one line of 1 to 900 bytes")
    return base64.b64encode(raw).decode("ascii")


def checked_file_name(value: str) -> str:
    """Return the name of a file in a migration's work area: one path part, no dot in front.

    :raises BadValue:
    """
    if not _FILE_NAME.fullmatch(value):
        raise BadValue("file name", value, "must be one plain file name")
    return value


def folded(name: str) -> str:
    """Return the form in which two names that look alike by case or width are equal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def readable_addresses(words: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses among words that a node reported, canonical, without prefix lengths and duplicates."""
    found = (_plain_address(word) for word in words)
    return tuple(dict.fromkeys(address for address in found if address))


def clean_text(text: str, *, limit: int = 2_000) -> str:
    """Return text from elsewhere as it may be shown and stored: no escapes, control or direction marks, bounded.

    Line ends and tabs stay; a lone carriage return is a line end.
    """
    # The raw text may be huge; what a mark can hide in front of the limit is bounded by this factor.
    text = _ESCAPES.sub("", text[: limit * 8]).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in text if character in "\n\t" or _is_visible(character))
    return kept if len(kept) <= limit else f"{kept[: limit - 1]}…"


def clean_line(text: str, *, limit: int = 200) -> str:
    """Return cleaned text in one line, white space folded."""
    line = " ".join(clean_text(text, limit=limit * 4).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _is_visible(character: str) -> bool:
    # Cc control, Cf format (direction marks, zero width), Cs surrogate, Co private, Cn unassigned, Zl/Zp line ends.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _plain_address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word.partition("/")[0]))
    except ValueError:
        return ""


def _unicast(value: str, *, field: str) -> Address:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise BadValue(field, value, "is not an IPv4 or IPv6 address in its usual form") from None
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise BadValue(field, value, "must be a plain address, without zone and not IPv4 inside IPv6")
    if address.is_unspecified or address.is_multicast or address.is_loopback or address.is_link_local:
        raise BadValue(field, value, "is not the address of one machine (unspecified, multicast, loopback, link-local)")
    if any(address in network for network in _NEVER_A_MACHINE):
        raise BadValue(field, value, "is in a range that no machine may use (0/8 and 240/4)")
    return address


def _names_itself(body: str, kind: str) -> bool:
    try:
        blob = base64.b64decode(body, validate=True)
    except binascii.Error:
        return False
    name = kind.encode()
    return blob.startswith(len(name).to_bytes(4, "big") + name)
