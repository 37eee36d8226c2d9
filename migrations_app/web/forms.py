"""What people may type: every field is checked here, on entry, and once more by the use case it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast

from migrations_app.models import Container, Customer, Migration, Node
from migrations_app.templatetags.shown import size_of_mib
from migrations_app.web.time_zones import known_zones

KIB_PER_MIB = 1024

_CLASS_OF_WIDGET: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class PanelForm(forms.Form):
    """A form that wears the panel's clothes and can carry the objections of a use case."""

    # Where a use case knows a field by another name than the page does.
    also_called: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self)

    def object_to(self, field: str, reason: str) -> None:
        """Show the reason at its field, or above the form where the form has no such field."""
        name = self.also_called.get(field, field)
        self.add_error(name if name in self.fields else None, reason)

    def object_to_all(self, objections: Iterable[tuple[str, str]]) -> None:
        for field, reason in objections:
            self.object_to(field, reason)


def _dress(form: forms.BaseForm) -> None:
    for field in form.fields.values():
        css = next(css for kind, css in _CLASS_OF_WIDGET if isinstance(field.widget, kind))
        field.widget.attrs.setdefault("class", css)


class SignInForm(AuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self)


class TimeZoneForm(PanelForm):
    time_zone = forms.ChoiceField(
        label="Show times in", choices=lambda: [(name, name.replace("_", " ")) for name in known_zones()]
    )


class NodeForm(PanelForm):
    name = forms.CharField(max_length=63, help_text="What the panel calls it: a short name, such as node-1.")
    address = forms.CharField(max_length=253, help_text="IP address on which its SSH server answers.")
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=22, label="SSH port")


class OwnerForm(PanelForm):
    owner = forms.ModelChoiceField(Customer.objects.order_by("name"), required=False, empty_label="nobody")


class FitForm(PanelForm):
    """A size of container, to be told how many more of it fit."""

    cpu = forms.FloatField(min_value=0.01, max_value=4096, initial=1, label="CPU, cores")
    memory = forms.FloatField(min_value=0.01, max_value=1_048_576, initial=2, label="Memory, GiB")
    disk = forms.FloatField(min_value=0.01, max_value=1_048_576, initial=20, label="Disk, GiB")

    def size(self) -> dict[str, float]:
        given = self.cleaned_data
        return {"cpu": given["cpu"], "memory": given["memory"] * 1024, "disk": given["disk"] * 1024}


class ContainerFilter(PanelForm):
    """Which containers to list, and in which order; what cannot be read chooses nothing and sorts by nothing."""

    SORTS = {"ctid": "ctid", "hostname": "hostname", "node": "node__name", "status": "status"} | {
        "memory": "memory_held_mib",
        "disk": "disk_used_mib",
    }

    q = forms.CharField(label="Search", required=False, max_length=100)
    node = forms.ModelChoiceField(Node.objects.order_by("name"), required=False, empty_label="all nodes")
    status = forms.ChoiceField(
        required=False, choices=[("", "any status"), *Container.Status.choices, ("gone", "Gone")]
    )
    sort = forms.ChoiceField(
        required=False, widget=forms.HiddenInput, choices=[(sign + name, name) for name in SORTS for sign in ("", "-")]
    )

    @property
    def sorted_by(self) -> str:
        return str(self.cleaned_data.get("sort") or "ctid") if self.is_valid() else "ctid"

    def choose(self, containers: QuerySet[Container]) -> QuerySet[Container]:
        wanted = self.cleaned_data if self.is_valid() else {}
        containers = containers.filter(gone_at__isnull=wanted.get("status") != "gone")
        if wanted.get("node"):
            containers = containers.filter(node=wanted["node"])
        if wanted.get("status") not in (None, "", "gone"):
            containers = containers.filter(status=wanted["status"])
        if wanted.get("q"):
            containers = _holding(containers, wanted["q"])
        return containers.order_by(_order(self.sorted_by), "ctid", "pk")


def _holding(containers: QuerySet[Container], words: str) -> QuerySet[Container]:
    with_text = containers.annotate(addresses_text=Cast("addresses", TextField()))
    return with_text.filter(
        Q(ctid__icontains=words)
        | Q(hostname__icontains=words)
        | Q(name__icontains=words)
        | Q(owner__name__icontains=words)
        | Q(addresses_text__icontains=words)
    )


def _order(sort: str) -> OrderBy:
    column = F(ContainerFilter.SORTS[sort.lstrip("-")])
    return column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)


class MomentField(forms.DateTimeField):
    """A moment in the reader's zone; one that the clocks skip or show twice there is refused by name."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        moment = super().to_python(value)
        if moment is not None and not 2000 <= moment.year <= 2999:
            raise forms.ValidationError("That year is out of range.")
        return moment


def possible_targets(container: Container) -> QuerySet[Node]:
    targets = Node.objects.filter(state=Node.State.READY, duty=Node.Duty.IN_SERVICE)
    return targets.exclude(pk=container.node_id).order_by("name")


class TargetField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    # What the last check said of live moves, and what becomes of the address there, by the node's primary key.
    live_checks: Mapping[int, str] = {}
    addresses: Mapping[int, str] = {}

    def label_from_instance(self, node: Any) -> str:
        return f"{node.name}: {_room(node)}{self.live_checks.get(node.pk, '')}{self.addresses.get(node.pk, '')}"


def _room(node: Node) -> str:
    room = f"{size_of_mib(node.disk_free_mib)} disk and {size_of_mib(node.memory_available_mib)} memory free"
    return f"{room}; in trouble: {node.fault}" if node.fault else room


class ScheduleForm(PanelForm):
    also_called = {"bandwidth_limit_kib": "bandwidth_limit_mib"}

    NOW, LATER = "now", "later"

    target = TargetField(
        Node.objects.none(),
        empty_label="Choose a node",
        label="To which node",
        help_text="Nodes that are draining or in maintenance are not offered.",
    )
    method = forms.ChoiceField(
        choices=[
            (Migration.Method.AUTO, "Choose for me"),
            (Migration.Method.LIVE, "Live"),
            (Migration.Method.STREAM, "Stream"),
            (Migration.Method.DUMP, "Dump"),
        ],
        initial=Migration.Method.AUTO,
        widget=forms.RadioSelect,
    )
    start = forms.ChoiceField(
        choices=[(NOW, "As soon as possible"), (LATER, "At a time")], initial=NOW, widget=forms.RadioSelect
    )
    not_before = MomentField(required=False, label="Not before")
    window_ends_at = MomentField(
        required=False,
        label="Window ends (optional)",
        help_text="If it has not begun to interrupt the container by then, it stops and asks.",
    )
    bandwidth_limit_mib = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        label="Bandwidth cap (MiB/s)",
        help_text="Empty: as fast as it goes.",
    )
    freeze_budget_seconds = forms.FloatField(
        required=False,
        min_value=0.1,
        max_value=3600,
        label="Longest interruption (seconds)",
        help_text="A longer freeze is not begun without a person's say.",
    )
    fall_back_to_dump = forms.BooleanField(
        required=False,
        initial=True,
        label="If live fails, go on by dump",
        help_text="Only where nothing has moved yet.",
    )
    rehearse = forms.BooleanField(
        required=False,
        initial=True,
        label="Rehearse the start",
        help_text="Starts the copy apart from the network and checks it, before the container is interrupted.",
    )
    full_backup = forms.BooleanField(
        required=False, label="Full backup first", help_text="Configuration is always saved; this saves the data too."
    )

    new_addresses = forms.CharField(
        required=False,
        max_length=1000,
        label="New addresses",
        help_text='As many as it has, in their order, parted by blanks. "auto": the next free ones of the '
        "node's pools. Empty: it keeps its own.",
    )
    new_hostname = forms.CharField(
        required=False, max_length=253, label="New host name", help_text="Empty: it keeps it."
    )

    def __init__(
        self,
        *args: Any,
        container: Container,
        freeze_budget_seconds: object,
        live_checks: Mapping[int, str],
        addresses: Mapping[int, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        field = cast(TargetField, self.fields["target"])
        field.live_checks, field.addresses = live_checks, addresses
        field.queryset = possible_targets(container)
        self.fields["freeze_budget_seconds"].initial = freeze_budget_seconds

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("start") == self.LATER and not cleaned.get("not_before") and "not_before" not in self.errors:
            self.add_error("not_before", "Say when.")
        return cleaned

    def order(self) -> dict[str, Any]:
        """Return what was asked for, as the use case wants to hear it."""
        asked = self.cleaned_data
        later, cap_mib = asked["start"] == self.LATER, asked["bandwidth_limit_mib"]
        plain = ("target", "method", "window_ends_at", "freeze_budget_seconds", "fall_back_to_dump", "rehearse")
        return {name: asked[name] for name in (*plain, "full_backup")} | {
            "not_before": asked["not_before"] if later else None,
            "bandwidth_limit_kib": cap_mib * KIB_PER_MIB if cap_mib else None,
            "new_addresses": asked["new_addresses"].replace(",", " ").split(),
            "new_hostname": asked["new_hostname"],
        }

    @property
    def address_has_errors(self) -> bool:
        return bool(self.errors.keys() & {"new_addresses", "new_hostname"})

    @property
    def more_has_errors(self) -> bool:
        return bool(self.errors.keys() & {"bandwidth_limit_mib", "freeze_budget_seconds"})


class MigrationFilter(PanelForm):
    """Which migrations to list; unknown words list them all."""

    GROUPS = {
        "active": ("Active", Migration.ACTIVE_STATES),
        "waiting": ("Needs a person", (Migration.State.PARKED,)),
        "planned": ("Planned", (Migration.State.SCHEDULED,)),
        "ended": ("Ended", Migration.ENDED_STATES),
    }

    CHOICES = (("", "All"), *((key, words) for key, (words, _) in GROUPS.items()))

    state = forms.ChoiceField(required=False, choices=CHOICES)

    @property
    def group(self) -> str:
        return str(self.cleaned_data.get("state", "")) if self.is_valid() else ""

    def choose(self, migrations: QuerySet[Migration]) -> QuerySet[Migration]:
        if not self.group:
            return migrations
        return migrations.filter(state__in=self.GROUPS[self.group][1])
