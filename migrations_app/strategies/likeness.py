"""Is a service what it was? Two looks at it are compared: pure thought, no probe.

What changes by itself (dates and numbers in a greeting, a count in a title) is no contrast. What the move changes on
purpose is one that has an explanation; all others need a person's eyes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from migrations_app.ports.probe import Certificate, Face, Look

Renamed = Sequence[tuple[str, str]]  # pairs of old and new address or name
Aspect = tuple[str, str]  # the name asked by, and what of the service

ANSWERS = "answers"

MENDED = "It failed before the move, and does not any more."
FOLLOWED = "It names what is new in the place of what was old."
RENEWED = "It was renewed meanwhile: for the same names, and valid for longer."
UNSTEADY = "It was not the same twice before anything was done."

_UNSTEADY_IN_BANNER = re.compile(
    r"<[^<>\s]{1,120}@[^<>\s]{0,120}>"  # the mark of a POP3 session
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b,?|\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2}\b|\b\d{4}-\d{2}-\d{2}T?"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?\b|[+-]\d{4}\b|\((?:[A-Z]{2,5})\)"
    r"|\b(?=[A-Za-z]{0,40}\d)[0-9A-Za-z]{8,}\b"  # ids of a session
)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One thing in which a service is not what it was."""

    place: str
    name: str
    aspect: str  # answers, kind, status, title, certificate, banner
    before: str
    after: str
    # ``after`` without what changes by itself: a person who accepts it has seen all that are alike in this.
    steady: str = ""
    explanation: str = ""  # empty: a person has to look


def contrasts(
    before: Look, after: Look, *, place: str, renamed: Renamed, unsteady: Collection[Aspect] = ()
) -> list[Contrast]:
    """Return all in which the later look is not like the earlier one, explained or not."""
    if not after.answers:
        return [Contrast(place=place, name="", aspect=ANSWERS, before="yes", after=after.detail or "no")]
    if not before.kind:  # it answered then, and nobody looked closer
        return []
    if before.kind != after.kind:
        explanation = UNSTEADY if ("", "kind") in unsteady else ""
        told = {"before": before.kind, "after": after.kind, "steady": after.kind, "explanation": explanation}
        return [Contrast(place=place, name="", aspect="kind", **told)]
    later = {face.name: face for face in after.faces}
    return [
        contrast
        for face in before.faces
        for contrast in _of_face(face, later.get(face.name, Face(name=face.name)), place, renamed, unsteady)
    ]


def unlike(one: Look, other: Look) -> list[Aspect]:
    """Return in what two looks differ, when nothing was done in between."""
    return [(contrast.name, contrast.aspect) for contrast in contrasts(one, other, place="", renamed=())]


def _of_face(before: Face, after: Face, place: str, renamed: Renamed, unsteady: Collection[Aspect]) -> list[Contrast]:
    return [
        Contrast(
            place=place,
            name=before.name,
            aspect=aspect,
            before=_shown(before, aspect),
            after=_shown(after, aspect),
            steady=_steady(after, aspect),
            explanation=UNSTEADY if (before.name, aspect) in unsteady else explanation,
        )
        for aspect, rule in _RULES.items()
        if (explanation := rule(before, after, renamed)) is not None
    ]


# Each rule returns None where both are alike, else the explanation, which may be empty.


def _status(before: Face, after: Face, renamed: Renamed) -> str | None:
    if before.status == after.status:
        return None
    failed = before.status is not None and before.status >= 500
    return MENDED if failed and after.status is not None and after.status < 500 else ""


def _title(before: Face, after: Face, renamed: Renamed) -> str | None:
    if before.title is None:  # it could not be read to the end then, so nothing is known
        return None
    return "" if after.title is None else _text(before.title, after.title, renamed, _steady_title)


def _banner(before: Face, after: Face, renamed: Renamed) -> str | None:
    return _text(before.banner, after.banner, renamed, _steady_banner)


def _certificate(before: Face, after: Face, renamed: Renamed) -> str | None:
    match before.certificate, after.certificate:
        case None, None:
            return None
        case Certificate() as old, Certificate() as new:
            return None if old.fingerprint == new.fingerprint else _why_another(old, new, renamed)
        case _:
            return ""


_RULES: Mapping[str, Callable[[Face, Face, Renamed], str | None]] = {
    "status": _status,
    "title": _title,
    "banner": _banner,
    "certificate": _certificate,
}


def _why_another(old: Certificate, new: Certificate, renamed: Renamed) -> str:
    if not old.names:
        return ""
    if old.names == new.names:
        return RENEWED if old.not_after < new.not_after else ""
    return FOLLOWED if {_follow(name, renamed) for name in old.names} == set(new.names) else ""


def _text(before: str, after: str, renamed: Renamed, steady: Callable[[str], str]) -> str | None:
    if before == after:
        return None
    if (followed := _follow(before, renamed)) != before and steady(followed) == steady(after):
        return FOLLOWED
    return None if steady(before) == steady(after) else ""


def _follow(text: str, renamed: Renamed) -> str:
    """Return the text with each old address and name replaced, and nothing that only looks like one."""
    for old, new in renamed:
        inside = r"0-9a-fA-F:" if ":" in old else r"\w-"
        before, after = rf"(?<![{inside}])(?<![{inside}]\.)", rf"(?![{inside}]|\.\w)"
        text = re.sub(f"{before}{re.escape(old)}{after}", lambda _, new=new: new, text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def _steady_title(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _steady_banner(text: str) -> str:
    """SSH's says version and make, and nothing that changes by itself."""
    return text if text.startswith("SSH-") else _UNSTEADY_IN_BANNER.sub("~", text)


def _steady(face: Face, aspect: str) -> str:
    match aspect, face.certificate:
        case "certificate", Certificate() as one:
            return one.fingerprint
        case "title", _:
            return _steady_title(_shown(face, aspect))
        case "banner", _:
            return _steady_banner(_shown(face, aspect))
        case _:
            return _shown(face, aspect)


def _shown(face: Face, aspect: str) -> str:
    match aspect, face.certificate:
        case "certificate", None:
            return "none"
        case "certificate", Certificate() as one:
            return f"{one.fingerprint[:16]}, until {one.not_after[:10] or 'unknown'}, for {', '.join(one.names)[:200]}"
        case "title", _ if face.title is None:
            return "a page that did not come to its end"
        case _:
            value = getattr(face, aspect)
            return "none" if value in (None, "") else str(value)
