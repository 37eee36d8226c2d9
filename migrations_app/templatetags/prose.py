"""The little of Markdown that runbook pages use, as HTML: paragraphs, lists, bold, code, links to other pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_ITEM = re.compile(r"(?:\d+\.|[-*])\s+")
_MARKED = re.compile(r"(?P<code>`[^`]+`)|(?P<bold>\*\*[^*]+\*\*)|\[(?P<text>[^\]]+)\]\((?P<page>[^)\s]+)\)")
_SIBLING = re.compile(r"(?P<name>[a-z0-9-]+)\.md")


@register.filter
def prose(text: str) -> SafeString:
    """Return the text as HTML; whatever is not of the kinds above is shown as it was written."""
    blocks = (block.splitlines() for block in re.split(r"\n\s*\n", text.strip()) if block.strip())
    return format_html_join("\n", "{}", ((_block(lines),) for lines in blocks))


def _block(lines: list[str]) -> SafeString:
    if not _ITEM.match(lines[0].lstrip()):
        return format_html("<p>{}</p>", _inline(" ".join(line.strip() for line in lines)))
    items = format_html_join("", "<li>{}</li>", ((_inline(item),) for item in _items(lines)))
    return format_html("<ol>{}</ol>" if lines[0].lstrip()[0].isdigit() else "<ul>{}</ul>", items)


def _items(lines: list[str]) -> Iterator[str]:
    """Put each item's continuation lines back behind it."""
    item = ""
    for line in (line.strip() for line in lines):
        begun = _ITEM.match(line)
        if begun and item:
            yield item
        item = line[begun.end() :] if begun else f"{item} {line}"
    yield item


def _inline(text: str) -> SafeString:
    parts, end = [], 0
    for marked in _MARKED.finditer(text):
        parts += [conditional_escape(text[end : marked.start()]), _marked(marked)]
        end = marked.end()
    return mark_safe("".join([*parts, conditional_escape(text[end:])]))  # noqa: S308  (each part was escaped)


def _marked(found: re.Match[str]) -> SafeString:
    if code := found["code"]:
        return format_html("<code>{}</code>", code[1:-1])
    if bold := found["bold"]:
        return format_html("<strong>{}</strong>", bold[2:-2])
    sibling = _SIBLING.fullmatch(found["page"])
    if sibling is None:
        return format_html("{}", found["text"])
    return format_html('<a href="{}">{}</a>', reverse("runbook-page", args=[sibling["name"]]), found["text"])
