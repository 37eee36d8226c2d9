"""A difference that belongs to a migration is published by it, with a second person's yes, and by nobody else."""

from __future__ import annotations

from migrations_app.models import Migration, Publication


class HeldByMigration(Exception):
    """A migration that has not ended publishes this difference itself, or what it belongs to."""


def holder_of(publication: Publication) -> Migration | None:
    """Return the migration under way that the difference, or the one whose TTLs it changes, belongs to."""
    of = publication.of
    for migration in (publication.migration, of.migration if of else None):
        if migration is not None and migration.state not in Migration.ENDED_STATES:
            return migration
    return None


def refuse_if_held(publication: Publication) -> None:
    """Look at the rows as they are now, not as the caller has read them.

    :raises HeldByMigration:
    """
    fresh = Publication.objects.select_related("migration", "of__migration").get(pk=publication.pk)
    if migration := holder_of(fresh):
        raise HeldByMigration(
            f"{fresh} belongs to m{migration.pk}: m{migration.pk} publishes it when its time has come, and takes it "
            f"back if it must. Go to the migration, which is {migration.get_state_display().lower()}: cancel it or let "
            "it end first."
        )
    if migration := _mover_of({address for pair in fresh.pairs for address in pair if address}):
        raise HeldByMigration(
            f"m{migration.pk} changes these addresses with a difference of its own, and a second person's yes to it: "
            f"{fresh} would go around both. Cancel m{migration.pk} or let it end first."
        )


def _mover_of(addresses: set[str]) -> Migration | None:
    """Return the migration under way that changes one of these: a difference beside its own would go around its yes."""
    moving = Migration.objects.filter(state__in=Migration.ACTIVE_STATES).select_related("container").order_by("pk")
    for migration in moving:
        if migration.new_addresses and addresses & {*migration.container.addresses, *migration.new_addresses}:
            return migration
    return None
