"""The terms of a batch, as people choose them: when, how many at once, how carefully."""

from __future__ import annotations

from typing import Any

from django import forms

from migrations_app.usecases.plan_batch import BatchTerms
from migrations_app.web.forms import KIB_PER_MIB, MomentField, PanelForm
from migrations_app.web.time_zones import known_zones

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST = 500
USUAL = BatchTerms()
FOLDED = {"most_at_once", "most_per_node", "most_per_link", "most_per_customer", "bandwidth_limit_mib"}


def _hour(label: str, help_text: str = "") -> forms.TimeField:
    return forms.TimeField(
        required=False, label=label, help_text=help_text, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


def _most(label: str, usual: int) -> forms.IntegerField:
    return forms.IntegerField(min_value=1, max_value=MOST, initial=usual, label=label)


class BatchTermsForm(PanelForm):
    also_called = {"bandwidth_limit_kib": "bandwidth_limit_mib"}

    not_before = MomentField(required=False, label="Not before", help_text="Empty: as soon as it is started.")
    deadline = MomentField(required=False, label="Done by", help_text="What would not be done by then is pointed out.")
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        choices=list(enumerate(WEEKDAYS)),
        widget=forms.CheckboxSelectMultiple,
        help_text="None: on every day.",
    )
    opens_at = _hour("Begin from")
    closes_at = _hour("Begin until", "Both empty: at any hour. An end before its start is the next day's.")
    time_zone = forms.ChoiceField(
        label="By the clock in",
        initial=USUAL.time_zone,
        choices=lambda: [(name, name.replace("_", " ")) for name in known_zones()],
    )
    most_at_once = _most("At once, in all", USUAL.most_at_once)
    most_per_node = _most("At once, per node", USUAL.most_per_node)
    most_per_link = _most("At once, between two nodes", USUAL.most_per_link)
    most_per_customer = _most("At once, per customer", USUAL.most_per_customer)
    bandwidth_limit_mib = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=90_000,
        label="Bandwidth cap of each (MiB/s)",
        help_text="Empty: as fast as it goes.",
    )
    canaries = forms.IntegerField(
        min_value=0,
        max_value=MOST,
        initial=USUAL.canaries,
        help_text="So many go first and alone; the others wait until they went well.",
    )
    freeze_budget_seconds = forms.FloatField(
        required=False,
        min_value=0.1,
        max_value=3600,
        label="Promised: interrupted for at most (seconds)",
        help_text="A longer interruption stops the line. Empty: as everywhere.",
    )
    fall_back_to_dump = forms.BooleanField(required=False, initial=True, label="If live fails, go on by dump")
    rehearse = forms.BooleanField(
        required=False,
        initial=True,
        label="Rehearse the start",
        help_text="Starts each copy apart from the network and checks it, before its container is interrupted.",
    )

    def terms(self) -> BatchTerms:
        asked = dict(self.cleaned_data)
        cap_mib = asked.pop("bandwidth_limit_mib")
        known = {name: asked[name] for name in BatchTerms.__dataclass_fields__ if name in asked}
        known["weekdays"] = tuple(asked["weekdays"])
        return BatchTerms(**known, bandwidth_limit_kib=cap_mib * KIB_PER_MIB if cap_mib else None)

    @property
    def more_has_errors(self) -> bool:
        return bool(self.errors.keys() & FOLDED)


class AcceptForm(BatchTermsForm):
    """The terms of a batch that is not there yet, with its name."""

    name = forms.CharField(
        max_length=120, help_text="What it is for, such as: empty node-3 before its disks are changed."
    )

    def named(self) -> dict[str, Any]:
        """Return the name and the terms, as the use case wants to hear them."""
        return {"name": self.cleaned_data["name"], "terms": self.terms()}
