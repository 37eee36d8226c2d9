"""The runbook, read in the panel: a page for each name a failure can have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.http import Http404, HttpResponse
from django.shortcuts import render

from migrations_app.templatetags.shown import kebab
from migrations_app.web.access import PanelRequest, staff_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbook"
LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class RunbookPage:
    name: str
    title: str
    text: str


@staff_page
def index(request: PanelRequest) -> HttpResponse:
    pages = [page for path in sorted(FOLDER.glob("*.md")) if (page := find(path.stem))]
    return render(request, "migrations_app/runbook/index.html", {"pages": pages})


@staff_page
def detail(request: PanelRequest, name: str) -> HttpResponse:
    page = find(name)
    if page is None:
        raise Http404
    return render(request, "migrations_app/runbook/detail.html", {"page": page})


def find(failure: str) -> RunbookPage | None:
    """Return the page for a failure's name as code spells it, or as the file is called; None when nobody wrote one."""
    name = kebab(failure)
    path = FOLDER / f"{name}.md"
    # The file system refuses even to look for a name that is too long.
    if len(name) > LONGEST_NAME or path.parent != FOLDER or not path.is_file():
        return None
    heading, _, text = path.read_text().partition("\n")
    return RunbookPage(name=name, title=heading.lstrip("# ").strip(), text=text.strip())
