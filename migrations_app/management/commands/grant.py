"""Say who may approve."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from migrations_app.usecases.grant_right import RIGHTS, RightRefused, grant_right


class Command(BaseCommand):
    help = "Give a member of staff the right to approve, or to act alone in an emergency; --take-back takes it away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("right", choices=RIGHTS)
        parser.add_argument("username")
        parser.add_argument("--take-back", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username'][:150]!r}.")
        given = not options["take_back"]
        try:
            grant_right(user=user, right=options["right"], given=given, actor=None, now=timezone.now())
        except RightRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.get_username()} {'has' if given else 'has no'} right to {options['right']} now.")
