"""Let go of a node's pinned host key; whoever may run this has the panel's own host."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from migrations_app.models import Node
from migrations_app.usecases.forget_host_key import forget_host_key


class Command(BaseCommand):
    help = (
        "After a node was installed anew: forget its pinned host key, so that the new one can be compared and pinned."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NODE")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        node = Node.objects.filter(name=name).first()
        if node is None:
            raise CommandError(f"No such node: {name}.")
        forget_host_key(node=node, actor=None, now=timezone.now())
        self.stdout.write(f"{node}: forgotten. Compare and pin the key it shows now on its page.")
