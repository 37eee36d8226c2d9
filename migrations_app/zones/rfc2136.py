"""The provider that is a name server: questions over TCP, and updates it guards itself (RFC 2136)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrations_app.ports.nameserver import Answer, Key, NameServer, NotAuthoritative, RRset, Server, Update, Way
from migrations_app.zones import names


@dataclass(frozen=True, kw_only=True)
class NameServerProvider:
    """A Provider over the primary of a zone."""

    nameserver: NameServer
    server: Server
    key: Key | None

    def soa(self, zone: str) -> RRset:
        answer = self._ask(zone, "SOA")
        found = answer.find(zone, "SOA")
        if found is None or not answer.authoritative:
            raise NotAuthoritative(self.server.name, detail=names.without_dot(zone))
        return found

    def current(self, zone: str, name: str, type: str, *, may_be_missing: bool) -> RRset:
        answer = self._ask(name, type)
        if not answer.authoritative:
            return self._glue(answer, zone, name, type)
        alias = answer.find(name, "CNAME") if type != "CNAME" else None
        found = answer.find(name, type) or alias
        if found is None or (may_be_missing and self._is_made_up(zone, found)):
            return RRset(name=name, type=type, ttl=0, values=())
        return found

    def change(self, update: Update) -> None:
        self.nameserver.update(self.server, update, key=self.key)

    def _ask(self, name: str, type: str) -> Answer:
        return self.nameserver.ask(self.server, name, type, way=Way.TCP)

    def _glue(self, answer: Answer, zone: str, name: str, type: str) -> RRset:
        """Below a zone cut the server refers to others, and shows the addresses it holds for them beside that."""
        cuts = [one for one in answer.authority if one.type == "NS" and names.is_within(name, one.name)]
        if not any(names.is_within(cut.name, zone) and cut.name != zone for cut in cuts):
            raise NotAuthoritative(self.server.name, detail=names.without_dot(zone))
        beside = (one for one in answer.additional if (one.name, one.type) == (name, type))
        return next(beside, RRset(name=name, type=type, ttl=0, values=()))

    def _is_made_up(self, zone: str, found: RRset) -> bool:
        """Return whether a wildcard gave the answer: no record of that very name has to exist."""
        for wildcard in _wildcards_above(zone, found.name):
            real = self._ask(wildcard, found.type).find(wildcard, found.type)
            if real is not None:
                return real.values == found.values
        return False


def _wildcards_above(zone: str, name: str) -> Iterator[str]:
    return (f"*.{above}" for above in names.parents(name) if names.is_within(above, zone))
