"""Who may see what: each door finds its object and authorises the person in one breath.

What is not a person's to see is answered as what does not exist: with 404.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from migrations_app.models import (
    Alternative,
    Approval,
    Batch,
    BatchItem,
    Container,
    Customer,
    FreezePeriod,
    Migration,
    NameServer,
    Node,
    Pool,
    Preparation,
    Proposal,
    Publication,
    Segment,
    UpdateKey,
    Zone,
)
from migrations_app.web import time_zones

P = ParamSpec("P")


class PanelRequest(HttpRequest):
    """A request of somebody who has signed in."""

    user: User
    htmx: HtmxDetails


Page = Callable[Concatenate[PanelRequest, P], HttpResponseBase]
Door = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def signed_in(page: Page[P]) -> Door[P]:
    """Let in whoever has signed in; render in that person's time zone, and let no cache keep the answer."""

    @wraps(page)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(cast(PanelRequest, request))
        with timezone.override(time_zones.zone_for(request.session, request.user)):
            response = page(cast(PanelRequest, request), *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return door


def staff_page(page: Page[P]) -> Door[P]:
    @wraps(page)
    def door(request: PanelRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_staff:
            raise Http404
        return page(request, *args, **kwargs)

    return signed_in(door)


def customer_of(user: User) -> Customer | None:
    return Customer.objects.filter(user=user).first()


def get_node(node_id: int) -> Node:
    return get_object_or_404(Node, pk=node_id)


def get_segment(segment_id: int) -> Segment:
    return get_object_or_404(Segment.objects.prefetch_related("nodes", "pools__node"), pk=segment_id)


def get_pool(pool_id: int) -> Pool:
    return get_object_or_404(Pool.objects.select_related("segment"), pk=pool_id)


def get_preparation(preparation_id: int) -> Preparation:
    return get_object_or_404(Preparation.objects.select_related("node"), pk=preparation_id)


def get_approval(approval_id: int) -> Approval:
    return get_object_or_404(Approval.objects.select_related("asked_by", "decided_by"), pk=approval_id)


def get_container(container_id: int) -> Container:
    return get_object_or_404(Container.objects.select_related("node", "owner", "moved_from"), pk=container_id)


def get_migration(migration_id: int) -> Migration:
    wanted = Migration.objects.select_related(
        "container__owner", "source", "target", "created_by", "forecast", "batch_item__batch"
    )
    return get_object_or_404(wanted, pk=migration_id)


def get_freeze_period(period_id: int) -> FreezePeriod:
    return get_object_or_404(FreezePeriod.objects.select_related("node", "customer"), pk=period_id)


def get_batch(batch_id: int) -> Batch:
    return get_object_or_404(Batch.objects.select_related("alternative__proposal", "created_by"), pk=batch_id)


def get_batch_item(item_id: int) -> BatchItem:
    wanted = BatchItem.objects.select_related("batch", "container", "source", "target")
    return get_object_or_404(wanted, pk=item_id)


def get_proposal(proposal_id: int) -> Proposal:
    return get_object_or_404(Proposal.objects.select_related("container", "created_by"), pk=proposal_id)


def get_alternative(alternative_id: int) -> Alternative:
    wanted = Alternative.objects.select_related("proposal__container", "proposal__created_by")
    return get_object_or_404(wanted, pk=alternative_id)


def get_zone(zone_id: int) -> Zone:
    return get_object_or_404(Zone.objects.select_related("primary", "key"), pk=zone_id)


def get_name_server(server_id: int) -> NameServer:
    return get_object_or_404(NameServer, pk=server_id)


def get_update_key(key_id: int) -> UpdateKey:
    return get_object_or_404(UpdateKey, pk=key_id)


def get_publication(publication_id: int) -> Publication:
    wanted = Publication.objects.select_related("container", "of", "created_by")
    return get_object_or_404(wanted, pk=publication_id)


def get_own_container(user: User, container_id: int) -> Container:
    """Return the container if this person is its owner; another's is as unknown as one that never was."""
    return get_object_or_404(Container, pk=container_id, owner__user=user)


def get_own_migration(user: User, migration_id: int) -> Migration:
    wanted = Migration.objects.select_related("container")
    return get_object_or_404(wanted, pk=migration_id, container__owner__user=user)


def _to_sign_in(request: PanelRequest) -> HttpResponse:
    """Send the whole page to the sign-in, even where only a fragment of it was asked for."""
    if request.htmx:
        return HttpResponseClientRedirect(redirect_to_login(_page_of(request.htmx)).url)
    return redirect_to_login(request.get_full_path())


def _page_of(htmx: HtmxDetails) -> str:
    """Return the page that a fragment belongs to, as the browser says it; the first page where that is no address."""
    try:
        return htmx.current_url_abs_path or resolve_url("home")
    except ValueError:
        return resolve_url("home")
