"""In which time zone a person reads: chosen here, or as the customer's record says, or as the browser told."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase

from migrations_app.models import Customer

CHOSEN = "time_zone"
GUESSED = "time_zone_of_browser"


@cache
def known_zones() -> tuple[str, ...]:
    """Return every place a person may choose, UTC first; abbreviations and legacy names are left out."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return ("UTC", *sorted(places))


def zone_for(session: SessionBase, user: User) -> ZoneInfo:
    chosen = session.get(CHOSEN) or _recorded(user) or session.get(GUESSED)
    return ZoneInfo(chosen) if chosen in known_zones() else ZoneInfo("UTC")


def choose(session: SessionBase, name: str) -> None:
    session[CHOSEN] = name


def take_hint(session: SessionBase, name: str) -> None:
    """Keep what the browser says of itself, if it is a zone at all."""
    if name in known_zones():
        session[GUESSED] = name


def _recorded(user: User) -> str:
    """Return the zone of the customer's record; the record's default says nothing about the person."""
    if user.is_staff:
        return ""
    zone = Customer.objects.filter(user=user).values_list("time_zone", flat=True).first()
    return zone if zone and zone != "UTC" else ""
