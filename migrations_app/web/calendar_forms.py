"""What people may type of freeze periods."""

from __future__ import annotations

from typing import Any

from django import forms

from migrations_app.models import Customer, Node
from migrations_app.web.forms import MomentField, PanelForm


class FreezePeriodForm(PanelForm):
    EVERYWHERE, NODE, CUSTOMER = "everywhere", "node", "customer"

    name = forms.CharField(max_length=120, label="What it is for", help_text="Colleagues read it where work waits.")
    scope = forms.ChoiceField(
        choices=[(EVERYWHERE, "Everywhere"), (NODE, "On one node"), (CUSTOMER, "For one customer")],
        initial=EVERYWHERE,
        widget=forms.RadioSelect,
    )
    node = forms.ModelChoiceField(Node.objects.order_by("name"), required=False, empty_label="Choose a node")
    customer = forms.ModelChoiceField(
        Customer.objects.order_by("name"), required=False, empty_label="Choose a customer"
    )
    starts_at = MomentField(label="Begins")
    ends_at = MomentField(label="Ends")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        scope = cleaned.get("scope", "")
        if scope in (self.NODE, self.CUSTOMER) and not cleaned.get(scope) and scope not in self.errors:
            self.add_error(scope, f"Choose the {scope}.")
        return cleaned

    def order(self) -> dict[str, Any]:
        """Return what was asked for, as the use case wants to hear it."""
        asked = self.cleaned_data
        scoped = {name: asked[name] if asked["scope"] == name else None for name in (self.NODE, self.CUSTOMER)}
        return {name: asked[name] for name in ("name", "starts_at", "ends_at")} | scoped
