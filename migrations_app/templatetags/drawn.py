"""Pictures that need no script: lines and heat, as SVG of numbers alone. Pure formatting."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from migrations_app.templatetags.shown import UNKNOWN, size

register = template.Library()

HOTTEST = 10
WIDTH, HEIGHT = 600, 120
_CELL, _PITCH, _IN_A_ROW, _DOTS = 9, 11, 80, 240
_BAR, _BAR_MOST = 100, 1.25
_MIB = 1024 * 1024


@register.filter
def heat(pressure: object) -> str:
    """Return the class of colour for how much of what may be used is in use: 1.0 is all of it."""
    if not isinstance(pressure, int | float) or not isfinite(pressure) or pressure < 0:
        return "heat-unknown"
    return f"heat-{min(HOTTEST, int(pressure * HOTTEST))}"


@register.filter
def percent(share: object) -> str:
    if not isinstance(share, int | float) or not isfinite(share):
        return UNKNOWN
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"


@register.filter
def lookup(table: Mapping[str, object], key: str) -> object:
    return table.get(key)


@register.filter
def amount(number: object, unit: str) -> str:
    """Return the number with its unit, in a size that people read."""
    if not isinstance(number, int | float) or not isfinite(number):
        return UNKNOWN
    if unit == "MiB":
        return size(number * _MIB)
    if unit == "B/s":
        return f"{size(number)}/s"
    return f"{number:,.0f} {unit}" if number >= 100 or number == int(number) else f"{number:.2f} {unit}"


@register.filter
def axis_unit(unit: str) -> str:
    """Return the unit in brackets, where neither the numbers along the axis nor the title carry it themselves."""
    return "" if unit in ("MiB", "B/s", "inodes") else f"({unit})"


@register.simple_tag
def heat_map(pressures: Sequence[float | None], label: str) -> SafeString:
    """Draw one small square per node; one path for each colour keeps two thousand of them small."""
    places: dict[str, list[str]] = defaultdict(list)
    for pressure, square in zip(pressures, _squares(len(pressures)), strict=True):
        places[heat(pressure)].append(square)
    paths = format_html_join("", '<path class="{}" d="{}"/>', ((name, "".join(d)) for name, d in places.items()))
    height = (-(-len(pressures) // _IN_A_ROW)) * _PITCH
    return format_html(
        '<svg class="heat-map" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        min(len(pressures), _IN_A_ROW) * _PITCH or 1,
        height or 1,
        label,
        paths,
    )


@functools.lru_cache(maxsize=2)
def _squares(count: int) -> list[str]:
    """Return the path of each square; the same for every map of so many nodes."""
    places = [divmod(number, _IN_A_ROW) for number in range(count)]
    return [f"M{column * _PITCH} {row * _PITCH}h{_CELL}v{_CELL}h-{_CELL}z" for row, column in places]


@register.simple_tag
def sketch(lines: Sequence[Sequence[float]], limit: Sequence[float], label: str) -> SafeString:
    """Draw some lines over one another, and a dashed one that they must not cross; gaps stay gaps."""
    highest = max((number for line in (*lines, limit) for number in line if isfinite(number)), default=0.0) or 1.0
    drawn = [(f"line line-{number}", _path(line, highest)) for number, line in enumerate(lines, start=1)]
    drawn += [("line line-limit", _path(limit, highest))] if limit else []
    return format_html(
        '<svg class="sketch" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        HEIGHT,
        label,
        format_html_join("", '<path class="{}" d="{}"/>', drawn),
    )


@register.simple_tag
def change_bar(before: float, after: float, label: str) -> SafeString:
    """Draw the pressure afterwards as a bar, the one before as an outline, and a line at all of what may be used."""
    return format_html(
        '<svg class="change-bar" viewBox="0 0 {} 12" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="{}" height="12" width="{}"/><rect class="before" height="12" width="{}"/>'
        '<path d="M{} 0V12"/></svg>',
        _BAR,
        label,
        heat(after),
        _bar(after),
        _bar(before),
        _bar(1.0),
    )


def _bar(pressure: float) -> str:
    return f"{min(max(pressure, 0.0), _BAR_MOST) / _BAR_MOST * _BAR:.1f}"


@register.simple_tag
def dots(pairs: Sequence[tuple[float, float]], label: str) -> SafeString:
    """Draw what was forecast (across) against what happened (up), by order of magnitude; on the line both are equal."""
    known = [(across, up) for across, up in pairs if across > 0 and up > 0]
    exponents = [log10(number) for pair in known for number in pair]
    low, high = floor(min(exponents, default=0)), ceil(max(exponents, default=1))
    scale = _DOTS / max(1, high - low)
    drawn = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="4"/>',
        ((f"{(log10(x) - low) * scale:.0f}", f"{_DOTS - (log10(y) - low) * scale:.0f}") for x, y in known),
    )
    return format_html(
        '<svg class="dots" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"><path d="M0 {0}L{0} 0"/>{2}</svg>',
        _DOTS,
        label,
        drawn,
    )


@register.filter
def column(rows: Sequence[object], name: str) -> list[float]:
    """Return one attribute of every row."""
    return [float(getattr(row, name)) for row in rows]


@register.filter
def both(first: Sequence[float], second: Sequence[float]) -> list[Sequence[float]]:
    return [first, second]


def _path(numbers: Sequence[float], highest: float) -> SafeString:
    step = WIDTH / max(1, len(numbers) - 1)
    words, is_drawing = [], False
    for place, number in enumerate(numbers):
        if isfinite(number):
            words.append(f"{'L' if is_drawing else 'M'}{place * step:.0f} {HEIGHT - number / highest * HEIGHT:.0f}")
        is_drawing = isfinite(number)
    return mark_safe("".join(words))  # noqa: S308  (numbers and two letters)
