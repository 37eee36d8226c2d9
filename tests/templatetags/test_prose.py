"""Runbook pages as HTML."""

from __future__ import annotations

import pytest

from migrations_app.templatetags.prose import prose


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One\nline.\n\nTwo.", "<p>One line.</p>\n<p>Two.</p>"),
        ("1. Look\n   twice.\n2. Act.", "<ol><li>Look twice.</li><li>Act.</li></ol>"),
        ("- Look\n- Act", "<ul><li>Look</li><li>Act</li></ul>"),
        ("**Bold** and `code`.", "<p><strong>Bold</strong> and <code>code</code>.</p>"),
        ("See [both](runs-on-both.md).", '<p>See <a href="/runbook/runs-on-both/">both</a>.</p>'),
        ("See [the gate](../gate.md).", "<p>See the gate.</p>"),
        ("See [x](javascript:alert(1)).", "<p>See x).</p>"),
        ("", ""),
    ],
)
def test_it_is_written_as_meant(text: str, html: str) -> None:
    assert prose(text) == html


@pytest.mark.parametrize("mark", ["{}", "**{}**", "`{}`", "[{}](a.md)", "- {}", "1. {}"])
def test_it_holds_no_markup_of_others(mark: str) -> None:
    assert "<script" not in prose(mark.format("<script>alert(1)</script>"))
