"""Every address of the panel, read from the URL configuration: a page nobody thought of is tested all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, reverse

from migrations_app.urls import urlpatterns

UNKNOWN_ID = 987_654_321
OPEN_TO_ALL = {"sign-in", "sign-out"}
OPEN_TO_SIGNED_IN = {"home", "time-zone"}
CUSTOMERS_OWN = {"my-server", "my-server-use", "my-server-use-json", "my-server-use-csv", "my-move", "my-move-live"}
POST_ONLY = {
    "approval-decide",
    "approval-override",
    "batch-ask-approval",
    "approval-ask-anew",
    "migration-ask-approval",
    "migration-lines-choose",
    "sign-out",
    "node-pin",
    "node-scan",
    "preparation-accept",
    "container-owner",
    "compatibility-check-all",
    "compatibility-check",
    "node-duty",
    "node-rules",
    "container-rules",
    "freeze-period-remove",
    "segment-remove",
    "pool-remove",
    "batch-start",
    "batch-pause",
    "batch-resume",
    "batch-replan",
    "batch-item-put-back",
    "migration-pause",
    "migration-resume",
    "migration-cancel",
    "migration-retry",
    "migration-keep",
    "migration-roll-back",
    "migration-retire",
    "proposal-again",
    "proposal-discard",
    "migration-bring-back",
    "migration-end-forward",
    "migration-accept-services",
    "name-server-forget",
    "update-key-forget",
    "zone-read",
    "zone-forget",
    "difference-publish",
    "difference-lift",
    "difference-undo",
    "difference-verify",
    "difference-lower",
    "difference-restore",
    "difference-again",
}


@dataclass(frozen=True, kw_only=True)
class Route:
    name: str
    kinds: tuple[str, ...]  # of its arguments

    def url(self, value: int = UNKNOWN_ID) -> str:
        return reverse(self.name, args=["no-such-page" if kind == "name" else value for kind in self.kinds])


def routes() -> Iterator[Route]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        assert pattern.name
        yield Route(name=pattern.name, kinds=tuple(pattern.pattern.converters))


def staff_routes() -> list[Route]:
    others = OPEN_TO_ALL | OPEN_TO_SIGNED_IN | CUSTOMERS_OWN
    return [route for route in routes() if route.name not in others]
