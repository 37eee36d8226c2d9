"""Ask the container's services from outside, as its users do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from migrations_app.execution import services
from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import SeenService
from migrations_app.ports.probe import Look, Service
from migrations_app.strategies import likeness

LOOK_SECONDS = 2.5
MOST_PORTS = 8
MOST_TOLD = 5

Place = tuple[str, int]  # address, port


class ProbeOutside(Step):
    """Only what answered from outside before the move must answer after it: many ports are meant for inside.

    Stands before the fence: while a difference is unexplained, the old copy could still be gone back to quickly.
    Silence is one of the differences: its owner may have closed a port meanwhile, which only a person can say.
    """

    name = "probe_outside"
    title = "See from outside that the services are what they were"
    public_phrase = "verifying"
    reversible = False
    retry_limit = 10

    def check(self, ctx: StepContext) -> CheckOutcome:
        if answered_before(ctx):
            return Ready()
        return AlreadyDone({"left_out": "no service answered from outside before the move"})

    def run(self, ctx: StepContext) -> RunOutcome:
        services.keep_unseen(ctx.order.migration_id, answered_before(ctx))
        rows = services.of(ctx.order.migration_id)
        looks = _look(ctx, rows)
        for row in rows:
            _compare(ctx, row, looks)
        if found := [one for row in rows for one in services.unaccepted(row)]:
            return _failed(found)
        answering = {spelled(*place): round(look.seconds, 3) for place, look in looks.items() if look.answers}
        return Done({"answers_seconds": answering})


def answered_before(ctx: StepContext) -> list[Place]:
    """Return address and port pairs that the pre-check saw answer."""
    return [(address, int(port)) for address, port in ctx.evidence_of("preflight").get("answered", [])][:MOST_PORTS]


def must_answer(ctx: StepContext) -> list[Place]:
    """Return where they must answer now: at the new address, and at the old one by what passes it on."""
    return [place for before in answered_before(ctx) for place in places_now(ctx, *before)]


def places_now(ctx: StepContext, address: str, port: int) -> list[Place]:
    """Return where a service is now: at the new address first, if there is one, and at the old one unless given up."""
    new = dict(ctx.order.replaced)
    if address not in new:
        return [(address, port)]
    return [(new[address], port), *([] if ctx.order.forward_released else [(address, port)])]


def spelled(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _look(ctx: StepContext, rows: Sequence[SeenService]) -> Mapping[Place, Look]:
    """Ask by the same names as before: that it goes by another one now is another question."""
    names = {
        place: tuple(face["name"] for face in row.before["faces"])
        for row in rows
        for place in places_now(ctx, row.address, row.port)
    }
    places = must_answer(ctx)
    asked = [Service(address=place[0], port=place[1], names=names.get(place, ())) for place in places]
    return dict(zip(places, ctx.outside.probe.look(asked, timeout_seconds=LOOK_SECONDS), strict=True))


def _compare(ctx: StepContext, row: SeenService, looks: Mapping[Place, Look]) -> None:
    before, unsteady = services.look_before(row), {(name, aspect) for name, aspect in row.unsteady}
    renamed = [*ctx.order.replaced]
    if ctx.order.new_hostname:
        renamed.append((ctx.order.hostname, ctx.order.new_hostname))
    places = [place for place in places_now(ctx, row.address, row.port) if place in looks]
    found = [
        asdict(contrast)
        for place in places
        for contrast in likeness.contrasts(
            before, looks[place], place=spelled(*place), renamed=renamed, unsteady=unsteady
        )
    ]
    if places:
        services.keep_after(row, look=looks[places[0]], contrasts=found)


def _failed(found: Sequence[Mapping[str, str]]) -> Failed:
    reason = f"From outside: {_told(found)}."
    if any(one["aspect"] == likeness.ANSWERS for one in found):
        return Failed(name="ServicesDoNotAnswer", reason=reason, again=True)
    return Failed(name="ServicesDiffer", reason=reason, again=True)


def _told(found: Sequence[Mapping[str, str]]) -> str:
    """Return in words what nothing explains and nobody accepted, the silent first."""
    gravest_first = sorted(found, key=lambda one: one["aspect"] != likeness.ANSWERS)
    told = [_spelled_out(one) for one in gravest_first[:MOST_TOLD]]
    return "; ".join([*told, *([f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else [])])


def _spelled_out(one: Mapping[str, str]) -> str:
    if one["aspect"] == likeness.ANSWERS:
        return f"{one['place']}: {one['after']}"
    named = f" as {one['name']}" if one["name"] else ""
    return f"{one['place']}{named}: {one['aspect']} was {one['before']!r}, is {one['after']!r}"
