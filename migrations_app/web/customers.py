"""Pages for customers: their own servers and the moves of these, made of exposure's values and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from migrations_app.customers import exposure
from migrations_app.customers.exposure import PublicMove, PublicServer, PublicUse
from migrations_app.models import Container, Customer, Migration, StepRun
from migrations_app.strategies import RECIPES
from migrations_app.web import live, use
from migrations_app.web.access import PanelRequest, get_own_container, get_own_migration, signed_in
from migrations_app.web.live import LivePart

PAST_MOVES_SHOWN = 50
USE_DOOR = "my-server"
NOT_BEGUN = (StepRun.State.PENDING, StepRun.State.UNDONE)
_PHRASE_OF_STEP = {step.name: step.public_phrase for steps in RECIPES.values() for step in steps}


def servers(request: PanelRequest, customer: Customer) -> HttpResponse:
    """Answer with the customer's first page: the servers, and what is planned for them."""
    return render(request, "migrations_app/customers/servers.html", {"servers": _servers_of(customer)})


@require_safe
@signed_in
def server(request: PanelRequest, container_id: int) -> HttpResponse:
    container = get_own_container(request.user, container_id)
    history = container.migrations.select_related("container").order_by("-created_at")
    moves = _shown(history[:PAST_MOVES_SHOWN])
    current = next((move for move in moves if not move.is_over), None)
    context = {
        "server": exposure.server(container, move=current),
        "past": [move for move in moves if move.is_over],
        "use": _use(request, container),
    }
    return render(request, "migrations_app/customers/server.html", context)


@require_safe
@signed_in
def server_use(request: PanelRequest, container_id: int) -> HttpResponse:
    context = {"use": _use(request, get_own_container(request.user, container_id))}
    return render(request, "migrations_app/capacity/_use.html", context)


@require_safe
@signed_in
def server_use_json(request: PanelRequest, container_id: int) -> JsonResponse:
    view = use.container_view(get_own_container(request.user, container_id), door=USE_DOOR)
    return JsonResponse(use.numbers(request, view, may_compare=False))


@require_safe
@signed_in
def server_use_csv(request: PanelRequest, container_id: int) -> StreamingHttpResponse:
    return use.table(request, use.container_view(get_own_container(request.user, container_id), door=USE_DOOR))


@require_safe
@signed_in
def move(request: PanelRequest, migration_id: int) -> HttpResponse:
    migration = get_own_migration(request.user, migration_id)
    [shown] = _shown([migration])
    part = _move_part(shown)
    context = {"move": shown, "server_number": migration.container_id, "live": live.draw(request, part)}
    return render(request, "migrations_app/customers/move.html", context | {"refresh": not part.ended})


@require_safe
@signed_in
def move_live(request: PanelRequest, migration_id: int) -> HttpResponse:
    [shown] = _shown([get_own_migration(request.user, migration_id)])
    return live.answer(request, _move_part(shown))


def _use(request: PanelRequest, container: Container) -> PublicUse:
    """Return what is drawn of the server's use: its own numbers, and no record that knows where it is."""
    return exposure.use(use.of_container(request, container, door=USE_DOOR))


def _servers_of(customer: Customer) -> list[PublicServer]:
    containers = Container.objects.filter(owner=customer, gone_at=None).order_by("hostname", "ctid")
    active = Migration.objects.active().filter(container__owner=customer).select_related("container")
    moves = {migration.container_id: move for migration, move in zip(active, _shown(active), strict=True)}
    servers = [exposure.server(container, move=moves.get(container.pk)) for container in containers]
    return sorted(servers, key=lambda server: server.move is None)  # what is concerned comes first


def _shown(migrations: Iterable[Migration]) -> list[PublicMove]:
    """Turn records into what their owner may see, each with the words of the furthest step that has begun."""
    rows = list(migrations)
    begun = StepRun.objects.filter(migration__in=rows).exclude(state__in=NOT_BEGUN).order_by("position")
    step_of = dict(begun.values_list("migration_id", "name"))  # the last of each wins
    return [exposure.move(row, phrase=_PHRASE_OF_STEP.get(step_of.get(row.pk, ""), "")) for row in rows]


def _move_part(move: PublicMove) -> LivePart:
    return LivePart(
        template="migrations_app/customers/_move.html",
        context={"move": move},
        url=reverse("my-move-live", args=[move.number]),
        every_seconds=3,
        ended=move.is_over,
        said=move.sentence,
    )
