"""Addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from migrations_app.web import (
    batches,
    calendar_rules,
    capacity,
    customers,
    execution,
    home,
    inventory,
    placement,
    placement_edit,
    planning_rules,
    runbook,
    sign_in,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("overview/live/", home.overview_live, name="overview-live"),
    # Coming in
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
    path("time-zone/", sign_in.time_zone, name="time-zone"),
    # Staff: what exists
    path("nodes/", inventory.node_list, name="nodes"),
    path("nodes/add/", inventory.node_add, name="node-add"),
    path("nodes/<int:node_id>/", inventory.node, name="node"),
    path("nodes/<int:node_id>/live/", inventory.node_live, name="node-live"),
    path("nodes/<int:node_id>/pin/", inventory.node_pin, name="node-pin"),
    path("nodes/<int:node_id>/scan/", inventory.node_scan, name="node-scan"),
    path("nodes/<int:node_id>/duty/", planning_rules.node_duty, name="node-duty"),
    path("nodes/<int:node_id>/rules/", planning_rules.node_rules, name="node-rules"),
    path("preparations/<int:preparation_id>/accept/", inventory.preparation_accept, name="preparation-accept"),
    path("containers/", inventory.container_list, name="containers"),
    path("containers/export.csv", inventory.container_csv, name="containers-csv"),
    path("containers/<int:container_id>/", inventory.container, name="container"),
    path("containers/<int:container_id>/owner/", inventory.container_owner, name="container-owner"),
    path("containers/<int:container_id>/rules/", planning_rules.container_rules, name="container-rules"),
    path("containers/<int:container_id>/schedule/", execution.schedule, name="schedule"),
    # Staff: how full it is
    path("capacity/", capacity.fleet, name="capacity"),
    path("capacity/export.csv", capacity.fleet_csv, name="capacity-csv"),
    path("capacity/forecasts/", capacity.forecasts, name="capacity-forecasts"),
    path("nodes/<int:node_id>/use/", capacity.node_use, name="node-use"),
    path("nodes/<int:node_id>/use.json", capacity.node_use_json, name="node-use-json"),
    path("nodes/<int:node_id>/use.csv", capacity.node_use_csv, name="node-use-csv"),
    path("containers/<int:container_id>/use/", capacity.container_use, name="container-use"),
    path("containers/<int:container_id>/use.json", capacity.container_use_json, name="container-use-json"),
    path("containers/<int:container_id>/use.csv", capacity.container_use_csv, name="container-use-csv"),
    # Staff: what should be where
    path("proposals/", placement.proposal_list, name="proposals"),
    path("proposals/new/", placement.proposal_new, name="proposal-new"),
    path("proposals/fleet.json", placement.fleet_file, name="fleet-file"),
    path("proposals/<int:proposal_id>/", placement.proposal, name="proposal"),
    path("proposals/<int:proposal_id>/live/", placement.proposal_live, name="proposal-live"),
    path("proposals/<int:proposal_id>/again/", placement.again, name="proposal-again"),
    path("proposals/<int:proposal_id>/discard/", placement.discard, name="proposal-discard"),
    path("alternatives/<int:alternative_id>/", placement.alternative, name="alternative"),
    path("alternatives/<int:alternative_id>/live/", placement.alternative_live, name="alternative-live"),
    path("alternatives/<int:alternative_id>/edit/", placement_edit.edit, name="alternative-edit"),
    path("alternatives/<int:alternative_id>/accept/", placement_edit.accept, name="alternative-accept"),
    # Staff: what moves
    path("migrations/", execution.migration_list, name="migrations"),
    path("migrations/<int:migration_id>/", execution.migration, name="migration"),
    path("migrations/<int:migration_id>/live/", execution.migration_live, name="migration-live"),
    path("migrations/<int:migration_id>/log/", execution.migration_log, name="migration-log"),
    path("migrations/<int:migration_id>/pause/", execution.pause, name="migration-pause"),
    path("migrations/<int:migration_id>/resume/", execution.resume, name="migration-resume"),
    path("migrations/<int:migration_id>/cancel/", execution.cancel, name="migration-cancel"),
    path("migrations/<int:migration_id>/retry/", execution.retry, name="migration-retry"),
    path("migrations/<int:migration_id>/roll-back/", execution.roll_back, name="migration-roll-back"),
    path("migrations/<int:migration_id>/keep/", execution.keep, name="migration-keep"),
    path("migrations/<int:migration_id>/retire/", execution.retire, name="migration-retire"),
    path("freeze-periods/", calendar_rules.freeze_periods, name="freeze-periods"),
    path("freeze-periods/<int:period_id>/remove/", calendar_rules.freeze_period_remove, name="freeze-period-remove"),
    # Staff: what to do
    path("runbook/", runbook.index, name="runbook"),
    path("runbook/<slug:name>/", runbook.detail, name="runbook-page"),
    # Customers: their own
    path("servers/<int:container_id>/", customers.server, name="my-server"),
    path("servers/<int:container_id>/use/", customers.server_use, name="my-server-use"),
    path("servers/<int:container_id>/use.json", customers.server_use_json, name="my-server-use-json"),
    path("servers/<int:container_id>/use.csv", customers.server_use_csv, name="my-server-use-csv"),
    path("moves/<int:migration_id>/", customers.move, name="my-move"),
    path("moves/<int:migration_id>/live/", customers.move_live, name="my-move-live"),
]
