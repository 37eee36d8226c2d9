"""Doors to what staff tell the planner: duties and rules of nodes, rules of containers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from migrations_app.usecases.set_container_rules import ContainerRulesRefused, set_container_rules
from migrations_app.usecases.set_duty import DutyRefused, set_duty
from migrations_app.usecases.set_node_rules import NodeRulesRefused, set_node_rules
from migrations_app.web.access import PanelRequest, get_container, get_node, staff_page
from migrations_app.web.forms import PanelForm
from migrations_app.web.inventory import container_page, node_page
from migrations_app.web.rule_forms import ContainerRulesForm, DutyForm, NodeRulesForm

REFUSALS = (DutyRefused, NodeRulesRefused, ContainerRulesRefused)


@require_POST
@staff_page
def node_duty(request: PanelRequest, node_id: int) -> HttpResponse:
    shown, form = get_node(node_id), DutyForm(request.POST)
    if not _obeyed(request, form, partial(set_duty, node=shown)):
        return node_page(request, shown, duty_form=form)
    messages.success(request, f"{shown} is {shown.get_duty_display().lower()} now.")
    return redirect("node", shown.pk)


@require_POST
@staff_page
def node_rules(request: PanelRequest, node_id: int) -> HttpResponse:
    shown, form = get_node(node_id), NodeRulesForm(request.POST)
    if not _obeyed(request, form, partial(set_node_rules, node=shown)):
        return node_page(request, shown, rules_form=form)
    messages.success(request, f"Proposals for {shown} go by these rules from now on.")
    return redirect("node", shown.pk)


@require_POST
@staff_page
def container_rules(request: PanelRequest, container_id: int) -> HttpResponse:
    shown, form = get_container(container_id), ContainerRulesForm(request.POST)
    if not _obeyed(request, form, partial(set_container_rules, container=shown)):
        return container_page(request, shown, rules_form=form)
    messages.success(request, f"Proposals for {shown} go by these rules from now on.")
    return redirect("container", shown.pk)


def _obeyed(request: PanelRequest, form: PanelForm, tell: Callable[..., object]) -> bool:
    """Tell it what the form says; False, with the reasons in the form, where that is refused."""
    if not form.is_valid():
        return False
    try:
        tell(**form.cleaned_data, actor=request.user, now=timezone.now())
    except REFUSALS as refusal:
        form.object_to_all(refusal.objections)
        return False
    return True
