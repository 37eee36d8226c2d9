"""What every page of this installation shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from migrations_app.web.approvals import waiting_count


def installation(request: HttpRequest) -> dict[str, object]:
    return {
        "panel_name": settings.OVZ["site_name"],
        "in_lab": settings.OVZ["lab"],
        "approvals_waiting": SimpleLazyObject(lambda: waiting_count(request)),
    }
