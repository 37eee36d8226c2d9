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
        rows = services.of(ctx.order.migration_id)
        looks = _look(ctx, rows)
        silent = {place: look.detail for place, look in looks.items() if not look.answers}
        if silent:
            told = "; ".join(f"{spelled(*place)}: {detail}" for place, detail in silent.items())
            return Failed(name="ServicesDoNotAnswer", reason=f"From outside: {told}.", again=True)
        for row in rows:
            _compare(ctx, row, looks)
        if told := _unexplained(rows):
            return Failed(name="ServicesDiffer", reason=f"From outside: {told}.", again=True)
        return Done({"answers_seconds": {spelled(*place): round(look.seconds, 3) for place, look in looks.items()}})


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


def _unexplained(rows: Sequence[SeenService]) -> str:
    """Return in words what nothing explains and nobody accepted."""
    found = [one for row in rows for one in services.unaccepted(row)]
    told = [
        f"{one['place']}{' as ' + one['name'] if one['name'] else ''}: {one['aspect']} was {one['before']!r}, "
        f"is {one['after']!r}"
        for one in found[:MOST_TOLD]
    ]
    return "; ".join([*told, *([f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else [])])
