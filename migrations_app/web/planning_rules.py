"""Doors to what staff tell the planner: duties and rules of nodes, rules of containers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from migrations_app.usecases.set_container_rules import ContainerRulesRefused, set_container_rules
from migrations_app.usecases.set_duty import DutyRefused, set_duty
from migrations_app.usecases.set_node_rules import NodeRulesRefused, set_node_rules
from migrations_app.web.access import PanelRequest, get_container, get_node, staff_page
from migrations_app.web.inventory import container_page, node_page
from migrations_app.web.rule_forms import ContainerRulesForm, DutyForm, NodeRulesForm


@require_POST
@staff_page
def node_duty(request: PanelRequest, node_id: int) -> HttpResponse:
    shown, form = get_node(node_id), DutyForm(request.POST)
    if form.is_valid():
        try:
            set_duty(node=shown, **form.cleaned_data, actor=request.user, now=timezone.now())
        except DutyRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, f"{shown} is {shown.get_duty_display().lower()} now.")
            return redirect("node", shown.pk)
    return node_page(request, shown, duty_form=form)


@require_POST
@staff_page
def node_rules(request: PanelRequest, node_id: int) -> HttpResponse:
    shown, form = get_node(node_id), NodeRulesForm(request.POST)
    if form.is_valid():
        try:
            set_node_rules(node=shown, **form.cleaned_data, actor=request.user, now=timezone.now())
        except NodeRulesRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, f"Proposals for {shown} go by these rules from now on.")
            return redirect("node", shown.pk)
    return node_page(request, shown, rules_form=form)


@require_POST
@staff_page
def container_rules(request: PanelRequest, container_id: int) -> HttpResponse:
    shown, form = get_container(container_id), ContainerRulesForm(request.POST)
    if form.is_valid():
        try:
            set_container_rules(container=shown, **form.cleaned_data, actor=request.user, now=timezone.now())
        except ContainerRulesRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, f"Proposals for {shown} go by these rules from now on.")
            return redirect("container", shown.pk)
    return container_page(request, shown, rules_form=form)
