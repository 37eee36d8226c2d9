"""Parts of a page that keep themselves fresh: drawn with the page, then asked for again until nothing more can come.

A part is the same HTML either way, so the page is whole without scripts. A poll is answered with 204 while there is
nothing new (focus, selection and the screen reader are left in peace) and with 286, "stop asking", at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

NOTHING_NEW = 204
STOP_POLLING = 286


@dataclass(frozen=True, kw_only=True)
class LivePart:
    """What to draw, where to ask for it again, and whether asking again makes sense."""

    template: str
    context: Mapping[str, Any]
    url: str
    every_seconds: int = 2
    ended: bool = False
    said: str = ""  # for the screen reader, spoken when it changes


def draw(request: HttpRequest, part: LivePart) -> str:
    body = render_to_string(part.template, dict(part.context), request)
    frame = {"body": body, "part": part, "seen": _digest(body), "heard": _digest(part.said)}
    return render_to_string("migrations_app/_live.html", frame, request)


def answer(request: HttpRequest, part: LivePart) -> HttpResponse:
    drawn = draw(request, part)
    if part.ended:
        return HttpResponse(drawn + _spoken(request, part), status=STOP_POLLING)
    if f"seen={request.GET.get('seen', '')}&" in drawn:
        return HttpResponse(status=NOTHING_NEW)
    return HttpResponse(drawn + _spoken(request, part))


def _spoken(request: HttpRequest, part: LivePart) -> str:
    if request.GET.get("heard") == _digest(part.said):
        return ""
    return render_to_string("migrations_app/_announcement.html", {"said": part.said}, request)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
