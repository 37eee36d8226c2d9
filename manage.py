#!/usr/bin/env python
"""The terminal's door to the panel."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line


def main(argv: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    if argv[1:2] == ["propose"]:
        _propose(argv)
    else:
        execute_from_command_line(argv)


def _propose(argv: list[str]) -> None:
    """It works on files alone: whoever waits for it need not wait for records, pages and settings to be loaded."""
    from migrations_app.management.commands.propose import Command

    settings.configure()
    Command().run_from_argv(argv)


if __name__ == "__main__":
    main(sys.argv)
