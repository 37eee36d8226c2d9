"""What people may wish of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from migrations_app.models import Container, Node, Proposal
from migrations_app.web.forms import PanelForm

Goal = Proposal.Goal
LONGEST_NUMBER = 18


class ContainerField(forms.CharField):
    """A container by its number, its host name, or both as pages show them; one that several answer to is refused."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        return find_container(words) if words else None


def find_container(words: str) -> Container:
    """Return the one container that is called so.

    :raises ValidationError: none is, or several are.
    """
    number, _, node = words.partition("@")
    named = Q(ctid=words) | Q(hostname__iexact=words) | Q(ctid=number, node__name=node)
    found = list(_there().filter(named)[:2])
    if not found and " (" in words:
        number, _, rest = words.partition(" (")
        found = list(_there().filter(ctid=number, hostname=rest.removesuffix(")"))[:2])
    if len(found) == 1:
        return found[0]
    if found:
        raise forms.ValidationError("Several containers are called so; say number@node.")
    raise forms.ValidationError("No container has this number or host name.")


def _there() -> QuerySet[Container]:
    return Container.objects.filter(gone_at=None).select_related("node").order_by("pk")


class ProposalForm(PanelForm):
    goal = forms.ChoiceField(choices=Goal.choices, initial=Goal.EVACUATE, widget=forms.RadioSelect)
    nodes = forms.ModelMultipleChoiceField(
        Node.objects.filter(state=Node.State.READY).order_by("name"),
        required=False,
        label="Which nodes",
        widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="Hold Ctrl to choose several.",
    )
    container = ContainerField(
        required=False, max_length=300, label="Which container", help_text="Its number or host name."
    )
    level_percent = forms.FloatField(
        required=False,
        min_value=1,
        max_value=100,
        label="Highest pressure wished for (%)",
        help_text="Of what may be used. Empty: the planner looks for one that can be had.",
    )
    survives_a_loss = forms.BooleanField(
        required=False,
        label="One node may be lost",
        help_text="Only placements after which the containers of any one node would find room on the others.",
    )

    also_called = {"level": "level_percent"}

    @staticmethod
    def wished(query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a link to this page says is wished for."""
        wished: dict[str, Any] = {"goal": query.get("goal") if query.get("goal") in Goal.values else Goal.EVACUATE}
        if (node := _number(query.get("node"))) is not None:
            wished["nodes"] = [node]
        if (key := _number(query.get("container"))) is not None:
            row = Container.objects.filter(pk=key).select_related("node").first()
            wished["container"] = f"{row.ctid}@{row.node}" if row else ""
        return wished

    def wish(self) -> dict[str, Any]:
        """Return what was asked for, as the use case wants to hear it."""
        asked = self.cleaned_data
        percent = asked["level_percent"]
        plain = ("goal", "container", "survives_a_loss")
        return {name: asked[name] for name in plain} | {
            "nodes": list(asked["nodes"]),
            "level": percent / 100 if percent is not None else None,
        }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None
