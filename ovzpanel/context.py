"""What every page of this installation shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, object]:
    return {"panel_name": settings.OVZ["site_name"], "in_lab": settings.OVZ["lab"]}
