"""Where this machine gets Debian packages from, so that the lab asks no other place."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

PLAIN = "http://deb.debian.org/debian"
ONE_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(?P<uri>https?://\S+)\s+(?P<suite>\S+)\s+.*\bmain\b")


def debian_mirror(etc_apt: Path = Path("/etc/apt")) -> str:
    """Return the mirror the machine's own apt uses for its Debian release, else Debian's common name."""
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        return PLAIN
    codename = release.get("VERSION_CODENAME", "")
    return next((uri for uri, suites in _entries(etc_apt) if codename in suites), PLAIN)


def _entries(etc_apt: Path) -> list[tuple[str, list[str]]]:
    lists = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    stanzas = sorted((etc_apt / "sources.list.d").glob("*.sources"))
    found = [entry for path in lists if path.is_file() for entry in _one_line_entries(path.read_text())]
    return found + [entry for path in stanzas for entry in _deb822_entries(path.read_text())]


def _one_line_entries(text: str) -> list[tuple[str, list[str]]]:
    matches = (ONE_LINE.match(line.strip()) for line in text.splitlines())
    return [(match["uri"], [match["suite"]]) for match in matches if match]


def _deb822_entries(text: str) -> list[tuple[str, list[str]]]:
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, re.MULTILINE))
        if "deb" in fields.get("Types", "").split() and "main" in fields.get("Components", "").split():
            found += [(uri, fields.get("Suites", "").split()) for uri in fields.get("URIs", "").split()[:1]]
    return found


def proxy_environment() -> dict[str, str]:
    """Return apt's proxies as the variables that debootstrap's downloader reads."""
    told = subprocess.run(["apt-config", "dump", "--format", "%f=%v%n"], capture_output=True, text=True, check=True)
    settings = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    wanted = {"http_proxy": "Acquire::http::Proxy", "https_proxy": "Acquire::https::Proxy"}
    return {name: settings[key] for name, key in wanted.items() if settings.get(key, "DIRECT") != "DIRECT"}
