"""Put a door on the queue by its name alone: who rings loads nothing of what stands behind the doors."""

from __future__ import annotations

from django_q.tasks import async_task


def ring(door: str, row_id: int | str) -> None:
    """Put one of the doors of ``tasks`` on the queue."""
    async_task(f"migrations_app.tasks.{door}", row_id, task_name=f"{door} {row_id}"[:90])
