"""Read and write the tools' configuration files: lines of NAME="value" that a shell can source."""

from __future__ import annotations

import os
import re

LINE = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s#]*))""", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
NEEDS_ESCAPE = re.compile(r'(["\\`]|\$(?!VEID\b|\{VEID\}))')


def read(path: str) -> dict[str, str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return parse(file.read())


def parse(text: str) -> dict[str, str]:
    settings = {}
    for line in text.splitlines():
        if found := LINE.match(line):
            name, double, single, bare = found.groups()
            settings[name] = ESCAPED.sub(r"\1", double) if double is not None else single or bare or ""
    return settings


def expand(value: str, ctid: int) -> str:
    return value.replace("${VEID}", str(ctid)).replace("$VEID", str(ctid))


def render(name: str, value: str) -> str:
    return f'{name}="{NEEDS_ESCAPE.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    return "\\" + found.group(1)


def change(text: str, changes: dict[str, str | None]) -> str:
    """Return the text with values set, or dropped where None; every other line stays as it is."""
    pending = dict(changes)
    lines = []
    for line in text.splitlines():
        found = LINE.match(line)
        if not found or found.group(1) not in changes:
            lines.append(line)
        elif (value := pending.pop(found.group(1), None)) is not None:
            lines.append(render(found.group(1), value))
    lines += [render(name, value) for name, value in pending.items() if value is not None]
    return "\n".join(lines) + "\n" if lines else ""


def save(path: str, changes: dict[str, str | None]) -> None:
    old = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            old = file.read()
    draft = f"{path}.{os.getpid()}.new"
    with open(draft, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(change(old, changes))
    os.replace(draft, path)
