"""What people may type of segments and pools."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from migrations_app.models import Node, Segment
from migrations_app.web.forms import PanelForm
from migrations_app.web.rule_forms import WordsField

LONGEST_LIST = 20_000


class LinesField(forms.CharField):
    """Text line by line; each is checked by the use case."""

    widget = forms.Textarea(attrs={"rows": 4})

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # the base promises one text
        return (super().to_python(value) or "").splitlines()

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value))


class SegmentForm(PanelForm):
    name = forms.CharField(max_length=63, help_text="What colleagues call the wire: a rack, a VLAN, a site.")
    networks = WordsField(
        max_length=LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="All its networks, such as 192.0.2.0/24 2001:db8:0:1::/64.",
    )
    nodes = forms.ModelMultipleChoiceField(
        Node.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Nodes on it",
        help_text="A node may be on several.",
    )

    @classmethod
    def of(cls, segment: Segment) -> SegmentForm:
        return cls(initial={"name": segment.name, "networks": segment.networks, "nodes": segment.nodes.all()})


class PoolForm(PanelForm):
    span = forms.CharField(
        max_length=100, label="Addresses", help_text="192.0.2.64-192.0.2.127, or a network such as 2001:db8:0:1::/64."
    )
    node = forms.ModelChoiceField(
        Node.objects.none(), required=False, empty_label="all nodes of the segment", label="For"
    )
    left_out = LinesField(
        required=False,
        max_length=LONGEST_LIST,
        label="Never given",
        help_text="One a line, with what it is: 192.0.2.65 gateway. A network's own address and its broadcast are "
        "left out anyway, and so is whatever a node or a container has.",
    )

    def __init__(self, *args: Any, segment: Segment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["node"]).queryset = segment.nodes.order_by("name")  # type: ignore[type-arg]  # not generic at run time
