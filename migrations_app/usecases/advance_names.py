"""Carry one publication forward for one short stretch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.audit import trail
from migrations_app.basics.cipher import SecretUnreadable
from migrations_app.execution.outside import Outside
from migrations_app.models import Publication
from migrations_app.ports.nameserver import NameServerError
from migrations_app.zones import looking, publications, working_out
from migrations_app.zones.publications import Hands
from migrations_app.zones.publish import Superseded

State = Publication.State
STRETCHES = {
    State.WAITING: working_out.work_out,
    State.PUBLISHING: publications.send_some,
    State.PUBLISHED: looking.look,
    State.UNDOING: publications.take_back_some,
}


def advance_names(*, publication_id: int, outside: Outside, settings: Mapping[str, Any]) -> Publication | None:
    """Do what is due; None: nothing was. Any number of workers may call this at any moment, the lease lets one act."""
    publication = publications.claim(publication_id, outside.clock())
    if publication is None:
        return None
    before = publication.state
    hands = Hands(nameserver=outside.nameserver, resolvers=outside.resolvers, clock=outside.clock, settings=settings)
    try:
        _stretch(publication, hands)
    except Superseded:
        return publication
    finally:
        publications.release(publication)
    if publication.state != before:
        trail.record(
            "names_" + publication.state, str(publication), actor=None, now=outside.clock(), **_told(publication)
        )
    return publication


def _stretch(publication: Publication, hands: Hands) -> None:
    try:
        STRETCHES[State(publication.state)](publication, hands)
    except (NameServerError, SecretUnreadable) as trouble:
        publications.try_later(publication, trouble, now=hands.clock())


def _told(publication: Publication) -> dict[str, str]:
    return {"failure": publication.failure} if publication.failure else {}
