"""What a mail says: one set of words, shown as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import format_html, format_html_join

from migrations_app.models import Migration, Notice
from migrations_app.notices import approval_wording
from migrations_app.notices.words import Words, at, prefix
from migrations_app.ports.mailer import Letter

LONGEST_SUBJECT = 160


def letter(notice: Notice, *, settings: Mapping[str, Any]) -> Letter:
    """Return the mail; the customer's names no node and shows no error text."""
    words = _words(notice, settings)
    host = urlsplit(settings["public_url"]).hostname or "localhost"
    return Letter(
        recipient=notice.recipient,
        subject=_one_line(words.subject)[:LONGEST_SUBJECT],
        text=_as_text(words),
        html=_as_html(words),
        message_id=f"<ovzpanel-notice-{notice.pk}@{host}>",
    )


def _words(notice: Notice, settings: Mapping[str, Any]) -> Words:
    if notice.approval is not None:
        return approval_wording.of(notice.approval, notice.kind, settings)
    if notice.audience == Notice.Audience.CUSTOMER:
        return _for_customer(notice, settings)
    return _for_staff(notice, settings)


def _moved(notice: Notice) -> Migration:
    """Return the migration it tells of; the database lets no notice be without a subject."""
    if notice.migration is None:
        raise ValueError(f"{notice} tells of no migration")
    return notice.migration


def _for_staff(notice: Notice, settings: Mapping[str, Any]) -> Words:
    migration = _moved(notice)
    title = f"m{migration.pk}: {migration.container} from {migration.source} to {migration.target}"
    facts = [
        ("Method", migration.get_method_display()),
        ("Not before", at(migration.not_before, "UTC")),
        ("Window ends", at(migration.window_ends_at, "UTC")),
        ("Started", at(migration.started_at, "UTC")),
        ("Ended", at(migration.finished_at, "UTC")),
        ("Freeze forecast", _seconds(migration.freeze_forecast_seconds)),
        ("Freeze measured", _seconds(migration.freeze_seconds)),
    ]
    return Words(
        subject=f"{prefix(settings)}{_staff_verb(notice)} {title}",
        sentences=_staff_sentences(notice),
        facts=[(name, value) for name, value in facts if value],
        link=f"{settings['public_url']}/migrations/{migration.pk}/",
        footer=f"{settings['site_name']}, to hosting staff.",
    )


def _staff_verb(notice: Notice) -> str:
    if notice.kind == Notice.Kind.FAILED and _moved(notice).failure == "Cancelled":
        return "Cancelled"
    return {"scheduled": "Scheduled", "started": "Started", "finished": "Done", "failed": "Needs you:"}[notice.kind]


def _staff_sentences(notice: Notice) -> list[str]:
    migration = _moved(notice)
    match notice.kind:
        case Notice.Kind.SCHEDULED:
            return ["This migration is scheduled."]
        case Notice.Kind.STARTED:
            return ["This migration has begun. The container goes on running until its cutover."]
        case Notice.Kind.FINISHED:
            return [
                f"{migration.ctid} runs on {migration.target}; the old copy on {migration.source} is fenced and kept."
            ]
        case _:
            return [_what_stopped_it(migration)]


def _what_stopped_it(migration: Migration) -> str:
    if migration.started_at is None and migration.state == Migration.State.CANCELLED:
        return "It was cancelled before it began; nothing was touched."
    reason = f"{migration.failure}: {migration.failure_detail}" if migration.failure else "It stopped."
    if migration.state == Migration.State.PARKED:
        return f"{reason} It waits for a person; the page has the buttons."
    if migration.state not in ENDED:
        return "It stopped for a while; meanwhile it has gone on."
    return f"{reason} Everything was taken back: the container is on {migration.source} as before."


def _for_customer(notice: Notice, settings: Mapping[str, Any]) -> Words:
    migration = _moved(notice)
    owner = migration.container.owner
    zone = owner.time_zone if owner is not None else "UTC"
    name = migration.container.hostname or f"VPS {migration.ctid}"
    facts = [
        ("VPS", name),
        ("Begins", at(migration.not_before, zone)),
        ("Window ends", at(migration.window_ends_at, zone)),
        ("Ended", at(migration.finished_at, zone)),
        ("Interruption", _interruption(migration)),
    ]
    return Words(
        subject=f"{prefix(settings)}{_customer_subject(notice)}: {name}",
        sentences=_customer_sentences(notice),
        facts=[(label, value) for label, value in facts if value],
        link=f"{settings['public_url']}/",
        footer=f"{settings['site_name']}. You get this because this VPS is yours.",
    )


def _customer_subject(notice: Notice) -> str:
    return {
        "scheduled": "Your VPS will be moved",
        "started": "Your VPS is being moved",
        "finished": "Your VPS has been moved",
        "failed": "The move of your VPS was called off"
        if _moved(notice).state in ENDED
        else "The move of your VPS is late",
    }[notice.kind]


ENDED = (Migration.State.ROLLED_BACK, Migration.State.CANCELLED)


def _customer_sentences(notice: Notice) -> list[str]:
    match notice.kind:
        case Notice.Kind.SCHEDULED:
            return [
                "We will move your VPS to other hardware. Its address, its data and its settings stay the same.",
                "You do not need to do anything.",
            ]
        case Notice.Kind.STARTED:
            return ["The move has begun. Your VPS goes on working while its data are copied."]
        case Notice.Kind.FINISHED:
            return ["Your VPS runs on its new hardware. Nothing was lost, and there is nothing for you to do."]
        case _ if _moved(notice).state in ENDED:
            return ["The move did not take place. Your VPS runs where it was; nothing was lost or changed."]
        case _:
            return ["The move takes longer than planned. Our staff look after it; you do not need to do anything."]


def _interruption(migration: Migration) -> str:
    if migration.state == Migration.State.DONE:
        return f"{_seconds(migration.freeze_seconds)} (measured)" if migration.freeze_seconds is not None else ""
    if migration.state in ENDED:
        return ""
    forecast = migration.freeze_forecast_seconds or migration.freeze_budget_seconds
    return f"about {max(round(forecast), 1)} seconds expected"


def _seconds(seconds: float | None) -> str:
    return f"{seconds:.1f} seconds" if seconds is not None else ""


def _one_line(text: str) -> str:
    """A container's name is its owner's to choose: no line break of it may begin a header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _as_text(words: Words) -> str:
    width = max((len(name) for name, _ in words.facts), default=0)
    facts = "\n".join(f"{name + ':':<{width + 2}}{_one_line(value)}" for name, value in words.facts)
    return "\n\n".join([*(_one_line(sentence) for sentence in words.sentences), facts, words.link, words.footer]) + "\n"


def _as_html(words: Words) -> str:
    return format_html(
        '<!doctype html><html lang="en"><body style="font-family:sans-serif;line-height:1.5">'
        '{}<table style="border-collapse:collapse">{}</table><p><a href="{}">{}</a></p>'
        '<p style="color:#666">{}</p></body></html>',
        format_html_join("", "<p>{}</p>", ((_one_line(sentence),) for sentence in words.sentences)),
        format_html_join(
            "",
            '<tr><th style="text-align:left;padding-right:1em">{}</th><td>{}</td></tr>',
            ((name, _one_line(value)) for name, value in words.facts),
        ),
        words.link,
        words.link,
        words.footer,
    )
