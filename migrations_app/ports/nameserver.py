"""Port: questions to one name server, zone transfers, and guarded updates.

Names and types are text: names in lower case with the dot at their end, values as in a zone file, with the names in
them written the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

MOST_RECORDS = 200_000


class Way(StrEnum):
    UDP = "UDP"
    TCP = "TCP"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a name server answers, and what people call it."""

    name: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Key:
    """A TSIG key; the secret is base64."""

    name: str
    algorithm: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, order=True)
class RRset:
    """All records of one name and type; without values: there are none."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """The RRset must have exactly these values, whatever its TTL; without values it must not exist."""

    name: str
    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Update:
    """What must still be true, and the RRsets that then take the place of those of their name and type."""

    zone: str
    requires: tuple[Requirement, ...]
    puts: tuple[RRset, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    rcode: str
    authoritative: bool
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()

    def find(self, name: str, type: str) -> RRset | None:
        return next((one for one in self.answer if (one.name, one.type) == (name, type)), None)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A whole zone; the SOA is among its RRsets, signatures and denials of existence are not."""

    serial: int
    rrsets: tuple[RRset, ...]


class NameServerError(Exception):
    """A name server could not be asked, or would not do what was asked; names it and its code."""

    meaning = "did not answer as it should"

    def __init__(self, server: str, *, rcode: str = "", detail: str = "") -> None:
        code = f" ({rcode})" if rcode else ""
        super().__init__(f"{server} {self.meaning}{code}{': ' if detail else ''}{detail}")
        self.server = server
        self.rcode = rcode
        self.detail = detail


class NameServerUnreachable(NameServerError):
    """No connection, or no answer to a question; nothing was changed."""

    meaning = "cannot be reached"


class UpdateReplyLost(NameServerError):
    """The update was sent and no answer came back: it may have been made or not."""

    meaning = "was sent the update, and its answer was lost"


class NameServerRefused(NameServerError):
    """REFUSED: this key, or this address of the panel, may not do that there."""

    meaning = "refused"


class ServerFailed(NameServerError):
    """SERVFAIL: it could not, for reasons of its own."""

    meaning = "failed"


class NotAuthoritative(NameServerError):
    """NOTAUTH or NOTZONE: it does not hold this zone."""

    meaning = "does not hold this zone"


class UpdateKeyUnknown(NameServerError):
    """BADKEY: the server does not know a key of this name and algorithm."""

    meaning = "does not know the key"


class UpdateSecretDiffers(NameServerError):
    """BADSIG, or an answer that is not signed with the secret: both sides have different secrets."""

    meaning = "has another secret for the key"


class ClocksDiffer(NameServerError):
    """BADTIME: the clocks are more than five minutes apart."""

    meaning = "says that the clocks differ"


class AnswerTruncated(NameServerError):
    """The answer did not fit, not even over TCP."""

    meaning = "sent an answer that was cut off"


class UpdateNotUnderstood(NameServerError):
    """FORMERR, NOTIMP, or bytes that are no answer."""

    meaning = "did not understand, or was not understood"


class ZoneTooLarge(NameServerError):
    """The zone holds more records than the panel takes in."""

    meaning = "has a zone that is too large"


class PrerequisiteFailed(NameServerError):
    """NXRRSET, YXRRSET, NXDOMAIN or YXDOMAIN: what the update required is not true; nothing was changed."""

    meaning = "holds other records than the update required, so it changed nothing"


class NameServer(Protocol):
    """One question, one answer; each call raises a NameServerError when it cannot be given."""

    def ask(
        self,
        server: Server,
        name: str,
        type: str,
        *,
        way: Way = Way.UDP,
        recursive: bool = False,
        timeout_seconds: float = 3,
    ) -> Answer:
        """Return what the server says, NXDOMAIN and lame answers included.

        An answer too long for UDP is asked for again over TCP; REFUSED, SERVFAIL and the like are raised.
        """

    def transfer(self, server: Server, zone: str, *, key: Key | None = None, timeout_seconds: float = 15) -> Transfer:
        """Return the whole zone.

        :raises ZoneTooLarge: it has more than MOST_RECORDS.
        """

    def update(self, server: Server, update: Update, *, key: Key | None = None, timeout_seconds: float = 5) -> None:
        """Change the zone as a whole or not at all; returns when the server says that it is done.

        :raises PrerequisiteFailed: a requirement is not met; nothing was changed.
        :raises UpdateReplyLost: it may have been done or not; look.
        """

    def signatures_hold(self, server: Server, zone: str, name: str, type: str, *, timeout_seconds: float = 3) -> bool:
        """Return whether the RRset's signatures are good by the keys that the same server shows for the zone."""
