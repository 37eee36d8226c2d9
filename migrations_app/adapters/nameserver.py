"""Name servers, by dnspython: questions over UDP and TCP, transfers, and RFC 2136 updates over TCP."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
import dns.tsig
import dns.update
import dns.xfr
import dns.zone
from dns.rdataset import Rdataset

from migrations_app.ports import nameserver as port
from migrations_app.ports.nameserver import MOST_RECORDS, Answer, Key, RRset, Server, Transfer, Update, Way

PAYLOAD_BYTES = 1232
# Signatures and what proves that a name is not there are the server's own business.
MADE_BY_SIGNING = frozenset({"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "TYPE65534", "CDS", "CDNSKEY"})
# Names inside these are compared without regard to case, so they are written in one.
NAMES_INSIDE = frozenset({"CNAME", "DNAME", "MX", "NS", "PTR", "SOA", "SRV"})

_BY_RCODE: dict[str, type[port.NameServerError]] = {
    "REFUSED": port.NameServerRefused,
    "SERVFAIL": port.ServerFailed,
    "NOTAUTH": port.NotAuthoritative,
    "NOTZONE": port.NotAuthoritative,
    "NXRRSET": port.PrerequisiteFailed,
    "YXRRSET": port.PrerequisiteFailed,
    "NXDOMAIN": port.PrerequisiteFailed,
    "YXDOMAIN": port.PrerequisiteFailed,
    "BADKEY": port.UpdateKeyUnknown,
    "BADSIG": port.UpdateSecretDiffers,
    "BADVERS": port.UpdateSecretDiffers,  # the same number as BADSIG
    "BADTIME": port.ClocksDiffer,
}
_BY_ERROR: tuple[tuple[type[Exception], str, type[port.NameServerError]], ...] = (
    (dns.tsig.PeerBadKey, "BADKEY", port.UpdateKeyUnknown),
    (dns.tsig.BadKey, "", port.UpdateKeyUnknown),
    (dns.message.UnknownTSIGKey, "", port.UpdateKeyUnknown),
    (dns.tsig.PeerBadTime, "BADTIME", port.ClocksDiffer),
    (dns.tsig.BadTime, "", port.ClocksDiffer),
    (dns.tsig.PeerBadSignature, "BADSIG", port.UpdateSecretDiffers),
    (dns.tsig.BadSignature, "", port.UpdateSecretDiffers),
    (dns.tsig.PeerError, "", port.UpdateSecretDiffers),
    (dns.exception.Timeout, "", port.NameServerUnreachable),
    (EOFError, "", port.NameServerUnreachable),
    (OSError, "", port.NameServerUnreachable),
    (dns.exception.DNSException, "", port.UpdateNotUnderstood),
    (ValueError, "", port.UpdateNotUnderstood),
)


def system_resolvers() -> list[str]:
    """Return the addresses of the resolvers that this machine asks; none where it has none."""
    try:
        return [str(address) for address in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        return []


class DnsNameServer:
    """A NameServer; every call is a connection of its own, so any thread may make it."""

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
        query = dns.message.make_query(name, type, use_edns=0, payload=PAYLOAD_BYTES)
        if not recursive:
            query.flags &= ~dns.flags.RD
        with _told(server):
            reply = _exchange(server, query, way, timeout_seconds)
        if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise _refusal(server, reply)
        return Answer(
            rcode=dns.rcode.to_text(reply.rcode()),
            authoritative=bool(reply.flags & dns.flags.AA),
            answer=tuple(_rrset(one.name, one) for one in reply.answer),
            authority=tuple(_rrset(one.name, one) for one in reply.authority),
            additional=tuple(_rrset(one.name, one) for one in reply.additional),
        )

    def transfer(self, server: Server, zone: str, *, key: Key | None = None, timeout_seconds: float = 15) -> Transfer:
        held = _BoundedZone(dns.name.from_text(zone), relativize=False)
        with _told(server):
            query, _ = dns.xfr.make_query(held, serial=None, keyring=_keyring(key))
            dns.query.inbound_xfr(
                server.address, held, query, port=server.port, timeout=timeout_seconds, lifetime=timeout_seconds
            )
        rrsets = tuple(_rrset(name, rdataset) for name, rdataset in held.iterate_rdatasets())
        kept = tuple(sorted(one for one in rrsets if one.type not in MADE_BY_SIGNING))
        return Transfer(serial=int(held.get_soa().serial), rrsets=kept)

    def update(self, server: Server, update: Update, *, key: Key | None = None, timeout_seconds: float = 5) -> None:
        with _told(server):
            message = _message(update, _keyring(key))
            reply = _read_reply(server, message, _send_once(server, message.to_wire(), timeout_seconds))
        if reply.rcode() != dns.rcode.NOERROR:
            raise _refusal(server, reply)

    def signatures_hold(self, server: Server, zone: str, name: str, type: str, *, timeout_seconds: float = 3) -> bool:
        with _told(server):
            keys, _ = _signed(server, zone, "DNSKEY", timeout_seconds)
            rrset, signatures = _signed(server, name, type, timeout_seconds)
        if keys is None or rrset is None or signatures is None:
            return False
        try:
            dns.dnssec.validate(rrset, signatures, {dns.name.from_text(zone): keys})
        except dns.exception.ValidationFailure:
            return False
        return True


class _BoundedVersion(dns.zone.WritableVersion):
    """What a server sends without end fills no memory."""

    seen = 0

    def put_rdataset(self, name: dns.name.Name, rdataset: Rdataset) -> None:
        self.seen += 1
        if self.seen > MOST_RECORDS:
            raise _TooMany
        super().put_rdataset(name, rdataset)


class _BoundedZone(dns.zone.Zone):
    writable_version_factory = _BoundedVersion


class _TooMany(Exception):
    pass


@contextmanager
def _told(server: Server) -> Iterator[None]:
    """Turn what dnspython and the network raise into the port's own errors."""
    try:
        yield
    except _TooMany:
        raise port.ZoneTooLarge(server.name, detail=f"more than {MOST_RECORDS} record sets") from None
    except dns.xfr.TransferError as refusal:
        rcode = dns.rcode.to_text(refusal.rcode)
        raise _BY_RCODE.get(rcode, port.UpdateNotUnderstood)(server.name, rcode=rcode, detail="transfer") from refusal
    except (dns.exception.DNSException, EOFError, OSError, ValueError) as error:
        kind, rcode = next((made, rcode) for caught, rcode, made in _BY_ERROR if isinstance(error, caught))
        raise kind(server.name, rcode=rcode, detail=str(error)[:200] or type(error).__name__) from error


def _refusal(server: Server, reply: dns.message.Message) -> port.NameServerError:
    rcode = dns.rcode.to_text(reply.rcode())
    return _BY_RCODE.get(rcode, port.UpdateNotUnderstood)(server.name, rcode=rcode)


def _exchange(server: Server, query: dns.message.Message, way: Way, timeout_seconds: float) -> dns.message.Message:
    where: dict[str, Any] = {"where": server.address, "port": server.port, "timeout": timeout_seconds}
    if way is Way.TCP:
        reply = dns.query.tcp(query, **where)
        if reply.flags & dns.flags.TC:
            raise port.AnswerTruncated(server.name)
        return reply
    reply = dns.query.udp(query, ignore_unexpected=True, **where)
    return _exchange(server, query, Way.TCP, timeout_seconds) if reply.flags & dns.flags.TC else reply


def _send_once(server: Server, wire: bytes, timeout_seconds: float) -> bytes:
    """Tell a connection that never came about from an answer that never came back."""
    end = monotonic() + timeout_seconds
    connection = socket.create_connection((server.address, server.port), timeout=timeout_seconds)
    with connection:
        try:
            connection.sendall(len(wire).to_bytes(2, "big") + wire)
            return _receive(connection, int.from_bytes(_receive(connection, 2, end), "big"), end)
        except (OSError, EOFError) as error:
            raise port.UpdateReplyLost(server.name, detail=str(error) or type(error).__name__) from error


def _receive(connection: socket.socket, count: int, end: float) -> bytes:
    received = b""
    while len(received) < count:
        connection.settimeout(max(0.001, end - monotonic()))
        part = connection.recv(count - len(received))
        if not part:
            raise EOFError("the connection was closed")
        received += part
    return received


def _read_reply(server: Server, message: dns.message.Message, wire: bytes) -> dns.message.Message:
    """Return the answer if it is one, and signed where the update was; a refusal may come unsigned."""
    rcode = dns.rcode.to_text(dns.rcode.Rcode(wire[3] & 15)) if len(wire) > 3 else ""
    try:
        reply = dns.message.from_wire(wire, keyring=message.keyring, request_mac=message.mac)
    except dns.exception.FormError as error:
        if rcode in _BY_RCODE:
            raise _BY_RCODE[rcode](server.name, rcode=rcode) from error
        if rcode == "NOERROR" and message.keyring:
            # Anybody on the way could have said so.
            raise port.UpdateSecretDiffers(server.name, detail="its answer was not signed") from error
        raise
    if not message.is_response(reply):
        raise port.UpdateNotUnderstood(server.name, detail="it answered something else")
    return reply


def _message(update: Update, keyring: dns.tsig.Key | None) -> dns.update.UpdateMessage:
    message = dns.update.UpdateMessage(update.zone, keyring=keyring)
    for requirement in update.requires:
        name = dns.name.from_text(requirement.name)
        if requirement.values:
            # As single records, so that their TTL is 0: servers reject a prerequisite that has one.
            message.present(name, *(_rdata(requirement.type, value) for value in requirement.values))
        else:
            message.absent(name, requirement.type)
    for put in update.puts:
        _put(message, put)
    return message


def _put(message: dns.update.UpdateMessage, put: RRset) -> None:
    name = dns.name.from_text(put.name)
    message.delete(name, put.type)
    if put.values:
        message.add(name, put.ttl, *(_rdata(put.type, value) for value in put.values))


def _rdata(type: str, value: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(type), value, relativize=False)


def _keyring(key: Key | None) -> dns.tsig.Key | None:
    if key is None:
        return None
    return dns.tsig.Key(dns.name.from_text(key.name), key.secret, dns.name.from_text(key.algorithm))


def _rrset(name: dns.name.Name, rdataset: Rdataset) -> RRset:
    type_ = dns.rdatatype.to_text(rdataset.rdtype)
    write: Callable[[str], str] = str.lower if type_ in NAMES_INSIDE else str
    values = tuple(sorted(write(rdata.to_text()) for rdata in rdataset))
    return RRset(name=name.to_text().lower(), type=type_, ttl=int(rdataset.ttl), values=values)


def _signed(
    server: Server, name: str, type: str, timeout_seconds: float
) -> tuple[dns.rrset.RRset | None, dns.rrset.RRset | None]:
    query = dns.message.make_query(name, type, want_dnssec=True, payload=PAYLOAD_BYTES)
    query.flags &= ~dns.flags.RD
    reply = _exchange(server, query, Way.UDP, timeout_seconds)
    owner, rdtype = dns.name.from_text(name), dns.rdatatype.from_text(type)
    found = reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, rdtype)
    signatures = reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, dns.rdatatype.RRSIG, rdtype)
    return found, signatures
