"""Port: the one place where a zone is changed, whatever it is: a name server, an interface of a host, a file."""

from __future__ import annotations

from typing import Protocol

from migrations_app.ports.nameserver import RRset, Update


class Provider(Protocol):
    """Reads what stands in a zone and changes it; every call may raise a NameServerError."""

    def soa(self, zone: str) -> RRset:
        """Return the zone's SOA, by which it is known whether anything in it has changed."""

    def current(self, zone: str, name: str, type: str, *, may_be_missing: bool) -> RRset:
        """Return the RRset that stands there, without values where none does; an alias is returned as the CNAME it is.

        With ``may_be_missing`` an answer made up from a wildcard counts as none.
        """

    def change(self, update: Update) -> None:
        """Make the update as a whole or not at all.

        A provider that cannot make its requirements part of the change compares just before; its plans must say so.

        :raises PrerequisiteFailed: something else stands there; nothing was changed.
        :raises UpdateReplyLost: it may have been made or not.
        """
