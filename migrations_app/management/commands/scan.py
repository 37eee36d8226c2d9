"""Look at the fleet now, from a terminal."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from migrations_app import wiring
from migrations_app.models import Node
from migrations_app.usecases.scan_node import scan_node


class Command(BaseCommand):
    help = "Read the nodes now, all of them or those named, and say what was found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NODE")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        for node in _chosen(names):
            scan_node(node_id=node.pk, outside=wiring.outside(), settings=settings.OVZ)
            node.refresh_from_db()
            self.stdout.write(f"{node}: {_summary(node)}")


def _chosen(names: list[str]) -> list[Node]:
    nodes = {node.name: node for node in Node.objects.order_by("name")}
    if unknown := sorted(set(names) - nodes.keys()):
        raise CommandError(f"No such node: {', '.join(unknown)}. There are: {', '.join(nodes) or 'none'}.")
    return [node for name, node in nodes.items() if not names or name in names]


def _summary(node: Node) -> str:
    if node.fault:
        return f"{node.fault}: {node.fault_detail}"
    count = node.containers.filter(gone_at=None).count()
    return f"{node.get_state_display().lower()}, containers: {count}"
