"""What people may type of duties and planning rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from migrations_app.models import Container, Node
from migrations_app.web.forms import PanelForm

LIMITS = ("cpu_limit_percent", "memory_limit_percent", "disk_limit_percent")


class WordsField(forms.CharField):
    """Words with spaces or commas between them; each one is checked by the use case."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # the base promises one text
        return (super().to_python(value) or "").replace(",", " ").split()

    def prepare_value(self, value: Any) -> Any:
        return " ".join(map(str, value)) if isinstance(value, list) else value


class DutyForm(PanelForm):
    duty = forms.ChoiceField(choices=Node.Duty.choices, widget=forms.RadioSelect)
    note = forms.CharField(
        required=False, max_length=500, label="Note", help_text="Why, and until when: colleagues read it here."
    )

    @classmethod
    def of(cls, node: Node) -> DutyForm:
        return cls(initial={"duty": node.duty, "note": node.duty_note})


def _limit(what: str) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=1, max_value=100, label=f"{what} limit (%)")


class NodeRulesForm(PanelForm):
    cpu_limit_percent = _limit("CPU")
    memory_limit_percent = _limit("Memory")
    disk_limit_percent = _limit("Disk")
    cpu_overcommit = forms.FloatField(
        min_value=0.5,
        max_value=64,
        label="CPU overcommit",
        help_text="How many virtual CPUs are sold for each processor.",
    )
    tags = WordsField(
        required=False, max_length=1000, help_text="What it offers, in words that containers may require: ssd, rack-2."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LIMITS:
            self.fields[name].help_text = f"Empty: {settings.OVZ[name]} %, as everywhere."

    @classmethod
    def of(cls, node: Node) -> NodeRulesForm:
        return cls(initial={name: getattr(node, name) for name in cls.base_fields})


class ContainerRulesForm(PanelForm):
    pinned = forms.BooleanField(required=False, label="Stays where it is")
    pin_reason = forms.CharField(required=False, max_length=500, label="Why it has to stay")
    requires = WordsField(
        required=False, max_length=1000, label="Requires", help_text="Tags that its node must have: ssd, rack-2."
    )
    apart_group = forms.CharField(
        required=False,
        max_length=60,
        label="Kept apart from",
        help_text="The name of a group: no two of it come on one node.",
    )

    @classmethod
    def of(cls, container: Container) -> ContainerRulesForm:
        return cls(initial={name: getattr(container, name) for name in cls.base_fields})
