"""Check the audit trail, anchor it, take it away."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from migrations_app.audit import anchors, chain, export
from migrations_app.models import AuditLine


class Command(BaseCommand):
    help = "Read the audit trail as a chain: verify it, print its head to anchor it elsewhere, export it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="exit 0 if every line stands as it was written, else 1 and name it")
        verify.add_argument(
            "--anchor", metavar="FILE", help="what `anchor` wrote: finds a chain cut short or made anew"
        )
        anchor = acts.add_parser("anchor", help="print the number and digest of the last line")
        anchor.add_argument("--to", metavar="FILE", help="add them to this file instead; keep it on another machine")
        acts.add_parser("export", help="print every line as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["act"]:
            case "verify":
                self._verify(options["anchor"])
            case "anchor":
                self._anchor(options["to"])
            case _:
                for line in export.json_lines(AuditLine.objects.all()):
                    self.stdout.write(line, ending="")

    def _verify(self, file: str | None) -> None:
        known = _anchors_in(file) if file else []
        fault = chain.verify(known)
        if fault is not None:
            raise CommandError(f"Line {fault.number}: {fault.reason}.")
        self.stdout.write(f"The trail is whole: {chain.head().number} lines, {len(known)} anchors.")

    def _anchor(self, file: str | None) -> None:
        words = anchors.write(chain.head(), now=timezone.now())
        if file is None:
            self.stdout.write(words)
            return
        try:
            with Path(file).open("a", encoding="ascii") as kept:
                kept.write(f"{words}\n")
        except OSError as cause:
            raise CommandError(f"{file}: {cause.strerror}.") from cause


def _anchors_in(file: str) -> list[chain.Anchor]:
    try:
        with Path(file).open(encoding="ascii") as kept:
            return anchors.read(kept.read(anchors.LONGEST_FILE))
    except OSError as cause:
        raise CommandError(f"{file}: {cause.strerror}.") from cause
    except (anchors.AnchorUnreadable, UnicodeDecodeError) as cause:
        raise CommandError(f"{file}: {cause}") from cause
