"""How amounts and moments are written on a page; pure formatting, None is shown as unknown and never as zero."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

UNKNOWN = "–"  # noqa: RUF001  (the dash is meant)
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_KIB, _MIB = 1024, 1024 * 1024


@register.filter
def duration(seconds: object) -> str:
    """Return e.g. "840 ms", "3.2 s", "4 min 10 s", "1 h 05 min", "3 d 4 h"."""
    if (amount := _known(seconds)) is None:
        return UNKNOWN
    if amount < 1:
        return f"{amount * 1000:.0f} ms"
    if amount < 10:
        return f"{amount:.1f} s"
    whole = round(amount)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


@register.filter
def size(count: object) -> str:
    """Return bytes in the largest unit that keeps them above one: "1.5 GiB"."""
    if (amount := _known(count)) is None:
        return UNKNOWN
    for unit in _BYTE_UNITS:
        if amount < 1024 or unit == _BYTE_UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"


@register.filter
def size_of_kib(count: object) -> str:
    return _times(count, _KIB)


@register.filter
def size_of_mib(count: object) -> str:
    return _times(count, _MIB)


@register.filter
def count(number: object) -> str:
    """Return the number with its thousands set apart."""
    known = _known(number)
    return UNKNOWN if known is None else f"{known:,.0f}"


@register.filter
def large(number: int) -> str:
    """Return a number that may have twenty digits as people read it."""
    if number < 10**9:
        return count(number)
    digits, _, power = f"{number:.1e}".partition("e+")
    return f"{digits}·10^{int(power)}"


@register.filter
def less(whole: object, part: object) -> float | None:
    left, taken = _known(whole), _known(part)
    return None if left is None or taken is None else left - taken


@register.filter
def percent_of(part: object, whole: object) -> int | None:
    """Return the share in whole percent, at most 100; None when it cannot be known."""
    done, total = _known(part), _known(whole)
    if done is None or not total:
        return None
    return max(0, min(100, int(done * 100 / total)))


@register.filter
def percent_done(progress: Mapping[str, Any]) -> int | None:
    """Return how far a migration's progress is, by bytes; its keys may be missing."""
    return percent_of(progress.get("bytes_done"), progress.get("bytes_total"))


def _known(value: object) -> float | None:
    """Return a number as one; whatever else a stored value or a missing key turns out to be is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _times(count: object, unit: int) -> str:
    known = _known(count)
    return UNKNOWN if known is None else size(known * unit)


@register.filter
def moment(at: datetime | None) -> str | SafeString:
    """Return the moment in the reader's zone, with the zone named."""
    if at is None:
        return UNKNOWN
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(), f"{local:%a} {local.day} {local:%b %Y, %H:%M} {_zone(local)}"
    )


@register.filter
def day_time(at: datetime | None) -> str | SafeString:
    """Return day and time in the reader's zone, for columns with the zone named elsewhere on the page."""
    if at is None:
        return UNKNOWN
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{local:%a} {local.day} {local:%b, %H:%M}")


@register.filter
def clock_time(at: datetime | None) -> str | SafeString:
    """Return the time of day alone, for lines whose day is plain from their surroundings."""
    if at is None:
        return UNKNOWN
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{local:%H:%M:%S}")


def _zone(local: datetime) -> str:
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


@register.filter
def lasted(started_at: datetime | None, finished_at: datetime | None) -> str:
    if started_at is None or finished_at is None:
        return UNKNOWN
    return duration((finished_at - started_at).total_seconds())


@register.filter
def fingerprint(host_key: str) -> str:
    """Return the key's SHA256 fingerprint, as ssh-keygen prints it; empty for what is no key."""
    words = host_key.split()
    if len(words) < 2:
        return ""
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


@register.filter
def key_type(host_key: str) -> str:
    return host_key.split(maxsplit=1)[0] if host_key else ""


@register.filter
def kebab(name: str) -> str:
    """Return a failure's name as its runbook page is called: HostKeyMoved, NotAnOpenVZNode -> not-an-open-vz-node."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_ ]+", "-", name).lower()


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return one of the vendored icons; it says nothing to a screen reader, the text beside it does."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("vendor/icons.svg"),
        name,
    )
