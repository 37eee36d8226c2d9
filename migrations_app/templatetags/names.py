"""How names are written on a page."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def dotless(name: str) -> str:
    """Return the name as people write it, without the dot that ends it in a zone."""
    return name.rstrip(".") or "."
