"""What people may type about names."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from migrations_app.models import Container, NameServer, UpdateKey, Zone
from migrations_app.web.forms import PanelForm

LONGEST_LIST = 20_000


class WordsField(forms.CharField):
    """Names, one a line or with spaces between them."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: object) -> Any:
        return (super().to_python(value) or "").split()

    def validate(self, value: object) -> None:
        """Nothing is fine; what is no name is objected to by the use case, with the name."""

    def run_validators(self, value: object) -> None:
        super().run_validators(" ".join(cast(list[str], value)))


class NameServerForm(PanelForm):
    name = forms.CharField(
        max_length=254, help_text="As the zones name it in their NS records, such as ns1.example.net."
    )
    address = forms.CharField(max_length=60, label="Address")
    second_address = forms.CharField(
        max_length=60, required=False, label="Second address", help_text="Its other family, where it has both."
    )
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=53)


class UpdateKeyForm(PanelForm):
    name = forms.CharField(max_length=254, help_text="As the name server knows it.")
    algorithm = forms.ChoiceField(choices=[(word, word) for word in UpdateKey.ALGORITHMS])
    secret = forms.CharField(
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Base64, as tsig-keygen prints it. It is sealed at once and never shown again; "
        "for a name that is there already it takes the place of the old one.",
    )


class ZoneForm(PanelForm):
    name = forms.CharField(max_length=254, help_text="Such as example.net, or 2.0.192.in-addr.arpa for addresses.")
    provider = forms.ChoiceField(choices=Zone.Provider.choices, label="Who changes it")
    primary = forms.ModelChoiceField(
        NameServer.objects.order_by("name"), empty_label="Choose a name server", label="Primary"
    )
    secondaries = forms.ModelMultipleChoiceField(
        NameServer.objects.order_by("name"),
        required=False,
        help_text="All that serve it besides: each is asked whether it has a change before that counts as seen.",
    )
    key = forms.ModelChoiceField(UpdateKey.objects.order_by("name"), required=False, empty_label="none")
    more_names = WordsField(
        required=False,
        max_length=LONGEST_LIST,
        label="Names to ask for",
        help_text="Only where the server gives no transfer: the panel then sees what it asks for, and nothing else.",
    )


class AskForm(PanelForm):
    """Which addresses become which, and what else to look at."""

    also_called = {"old": "old_1", "new": "new_1"}

    old_1 = forms.CharField(max_length=60, label="Old address")
    new_1 = forms.CharField(
        max_length=60,
        required=False,
        label="New address",
        help_text="Empty: it goes away, and nothing takes its place.",
    )
    old_2 = forms.CharField(max_length=60, required=False, label="Second old address")
    new_2 = forms.CharField(max_length=60, required=False, label="Second new address")
    names = WordsField(
        required=False,
        max_length=LONGEST_LIST,
        label="Names in zones of others",
        help_text="The world is asked about them; whoever holds their zone has to change them.",
    )
    ttl_seconds = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=86_400,
        label="Longest TTL of what changes (seconds)",
        help_text="Until the TTLs are restored. Empty: TTLs stay as they are.",
    )

    @classmethod
    def of_container(cls, container: Container, **more: Any) -> AskForm:
        """Fill in what is known of a container."""
        known = {f"old_{number}": address for number, address in enumerate(container.addresses[:2], start=1)}
        return cls(initial=known | more)

    def pairs(self) -> list[tuple[str, str]]:
        asked = self.cleaned_data
        rows = [(asked[f"old_{number}"], asked[f"new_{number}"]) for number in (1, 2)]
        return [(old, new) for old, new in rows if old or new]
