"""Take a customer in from the terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from migrations_app.usecases.add_customer import CustomerRefused, add_customer


class Command(BaseCommand):
    help = "Add somebody who owns containers. `changepassword USERNAME` sets the password of their sign-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("email")
        parser.add_argument("--time-zone", default="UTC", metavar="ZONE", help="such as Europe/Berlin")
        parser.add_argument("--username", default="", help="for signing in; left out: mail only")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            customer = add_customer(
                name=options["name"],
                email=options["email"],
                time_zone=options["time_zone"],
                username=options["username"],
                actor=None,
                now=timezone.now(),
            )
        except CustomerRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{customer} is added; give them containers on the containers' pages.")
