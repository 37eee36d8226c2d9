"""From rows to the values a step sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.execution import forwards, recorder
from migrations_app.execution.outside import Outside
from migrations_app.execution.second_person import SecondPerson
from migrations_app.execution.step import Order, StepContext
from migrations_app.models import Migration, Node, StepRun
from migrations_app.ports.shell import Endpoint


def of(
    migration: Migration,
    run: StepRun,
    *,
    token: int,
    outside: Outside,
    settings: Mapping[str, Any],
    second_person: SecondPerson,
) -> StepContext:
    return StepContext(
        order=_order(migration, settings),
        source=endpoint(migration.source),
        target=endpoint(migration.target),
        home=endpoint(migration.container.node),
        outside=outside,
        token=token,
        attempt=run.attempt,
        undo_attempt=run.attempt * 1000 + run.retries,
        frozen=migration.is_frozen,
        passed_point_of_no_return=migration.point_of_no_return_at is not None,
        started_at=run.started_at,
        second_person=second_person,
        begun=recorder.begun_steps(migration),
        evidence=recorder.evidence_by_step(migration),
    )


def endpoint(node: Node) -> Endpoint:
    return Endpoint(name=node.name, address=node.address, port=node.port, host_key=node.host_key)


def _order(migration: Migration, settings: Mapping[str, Any]) -> Order:
    return Order(
        migration_id=migration.pk,
        ctid=migration.ctid,
        target_ctid=migration.target_ctid,
        method=migration.method,
        hostname=migration.old_hostname or migration.container.hostname,
        addresses=tuple(migration.old_addresses or migration.container.addresses),
        new_addresses=tuple(migration.new_addresses),
        new_hostname=migration.new_hostname,
        passed_on=forwards.answered_beside(migration) if migration.returns_id else (),
        returns=migration.returns_id,
        forward_released=migration.forward_released_at is not None,
        fall_back_to_dump=migration.fall_back_to_dump,
        full_backup=migration.full_backup,
        rehearse=migration.rehearse,
        bandwidth_limit_kib=migration.bandwidth_limit_kib or 0,
        freeze_budget_seconds=migration.freeze_budget_seconds,
        retention_days=settings["retention_days"],
        settings=settings,
    )
