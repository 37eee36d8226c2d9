"""What names cost: a plan over 50,000 records, 300 guarded changes against BIND, beside the same without guards.

`make bench-zones`, or `python -m bench.bench_zones --zones 400 --records 125 --changes 300`
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.ports.nameserver import RRset, Server, Update
from migrations_app.zones import propagation, publish, safety
from migrations_app.zones.build import build
from migrations_app.zones.plan import Guarantee, RecordChange
from migrations_app.zones.publish import Settled
from migrations_app.zones.rfc2136 import NameServerProvider
from migrations_app.zones.safety import Limits
from migrations_app.zones.swap import checked_swaps
from tests.nameservers import bind, ground
from tests.nameservers.ground import KEY

PLAN_SECONDS, CHANGE_SECONDS, VERIFY_SECONDS = 10.0, 60.0, 60.0
SERVERS_ASKED = 4
OLD, NEW = "192.0.2.101", "198.51.100.7"
net = DnsNameServer()


def main(argv: Sequence[str] | None = None) -> int:
    options = _read_options(argv)
    told = _plan(options.zones, options.records) | _change(options.changes)
    held = told["plan_s"] <= PLAN_SECONDS and told["guarded_s"] <= CHANGE_SECONDS and told["verify_s"] <= VERIFY_SECONDS
    _print_table(told, options)
    sizes = {"zones": options.zones, "records": options.zones * options.records, "changes": options.changes}
    print(json.dumps({"bench": "zones", **sizes, **told, "held": held}))
    return 0 if held else 1


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_zones", description=__doc__)
    parser.add_argument("--zones", type=int, default=400)
    parser.add_argument("--records", type=int, default=125, help="in each zone")
    parser.add_argument("--changes", type=int, default=300)
    return parser.parse_args(argv)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# A plan


def _plan(zones: int, records: int) -> dict[str, Any]:
    """Read all zones out of the panel's database, look at every record, and make plan, objections and digest."""
    with tempfile.TemporaryDirectory(prefix="ovz-bench-") as folder:
        _set_up_panel(folder)
        from migrations_app.zones import shelf

        _fill(zones, records)
        found: list[int] = []

        def work() -> None:
            world = shelf.world()
            plan = build(world, checked_swaps([(OLD, NEW)]), ttl_seconds=60)
            safety.objections(plan, world, Limits())
            found.extend([len(plan.changes), len(plan.digest())])

        began = time.process_time()
        seconds = _timed(work)
        return {"plan_s": round(seconds, 2), "plan_cpu_s": round(time.process_time() - began, 2), "found": found[0]}


def _set_up_panel(folder: str) -> None:
    os.environ |= {"OVZ_STATE_DIR": folder, "DJANGO_SETTINGS_MODULE": "ovzpanel.settings"}
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _fill(zones: int, records: int) -> None:
    from migrations_app.models import NameServer, Zone, ZoneContent

    server = NameServer.objects.create(name="ns1.bench.example", address="192.0.2.53")
    for number in range(zones):
        name = f"zone-{number}.example"
        zone = Zone.objects.create(name=name, provider="manual", primary=server, serial=1, read_at="2026-01-01T00:00Z")
        ZoneContent.objects.create(zone=zone, rrsets=list(_rows(f"{name}.", number, records)))


def _rows(zone: str, number: int, records: int) -> Iterator[list[object]]:
    """A zone as hosts have them: addresses, aliases, mail, texts; one in ten holds the address that is looked for."""
    held = OLD if number % 10 == 0 else "192.0.2.9"
    yield [zone, "SOA", 3600, [f"ns1.{zone} host.{zone} 1 3600 600 86400 60"]]
    yield [zone, "TXT", 3600, [f'"v=spf1 ip4:{held} include:_spf.zone-{number // 2}.example -all"']]
    yield [zone, "MX", 3600, [f"10 mail.{zone}"]]
    yield [f"mail.{zone}", "A", 3600, [held]]
    for row in range(records - 4):
        kind, value = (("A", f"192.0.{row % 200}.7"), ("CNAME", f"mail.{zone}"), ("TXT", f'"key={row}"'))[row % 3]
        yield [f"h{row}.{zone}", kind, 3600, [value]]


# Changes


def _change(count: int) -> dict[str, Any]:
    with bind.primary({ground.ZONE: _zone_text(count)}) as running:
        guarded = [_record(number, 1) for number in range(count)]
        plain = [_record(number, 2) for number in range(count)]
        told: dict[str, Any] = {
            "guarded_s": round(_timed(lambda: _publish(running.server, guarded)), 2),
            "verify_s": round(_timed(lambda: _verify(running.server, guarded)), 2),
            "plain_s": round(_timed(lambda: _plain(running.server, plain)), 2),
            "nsupdate_s": round(_timed(lambda: _nsupdate(running.server, count)), 2),
        }
    told["of_plain"] = round(told["guarded_s"] / told["plain_s"], 2)
    told["of_nsupdate"] = round(told["guarded_s"] / told["nsupdate_s"], 2)
    return told


def _zone_text(count: int) -> str:
    return ground.ZONE_TEXT + "".join(f"n{number} IN A 203.0.113.{number % 250}\n" for number in range(count))


def _record(number: int, round_: int) -> RecordChange:
    before = RRset(name=f"n{number}.{ground.ZONE}", type="A", ttl=3600, values=(f"203.0.113.{number % 250}",))
    after = RRset(name=before.name, type="A", ttl=60, values=(f"198.51.{round_}.{number % 250}",))
    return RecordChange(zone=ground.ZONE, server="ns1", before=before, after=after, why=(), guarantee=Guarantee.GUARDED)


def _publish(server: Server, changes: Sequence[RecordChange]) -> None:
    """Each change is an update of its own, looked at before and after."""
    provider = NameServerProvider(nameserver=net, server=server, key=KEY)
    for change in changes:
        result = publish.settle(provider, ground.ZONE, [change])
        if not isinstance(result, Settled) or result.sent != 1:
            raise RuntimeError(f"{change.name}: {result}")


def _verify(server: Server, changes: Sequence[RecordChange]) -> None:
    for _ in range(SERVERS_ASKED):
        for change in changes:
            seen = propagation.look_at(net, server, [change], serial=1)
            if not seen.is_right:
                raise RuntimeError(f"{change.name}: {seen.troubles}")


def _plain(server: Server, changes: Sequence[RecordChange]) -> None:
    """What a tool does that plans and applies: no guard, no look."""
    for change in changes:
        net.update(server, Update(zone=ground.ZONE, requires=(), puts=(change.after,)), key=KEY)


def _nsupdate(server: Server, count: int) -> None:
    """BIND's own tool, one process for all, an update for each name."""
    lines = [f"server {server.address} {server.port}", f"zone {ground.ZONE}"]
    for number in range(count):
        name = f"n{number}.{ground.ZONE}"
        lines += [f"update delete {name} A", f"update add {name} 60 A 198.51.100.{number % 250}", "send"]
    with _key_file() as path:
        words = [ground.program("nsupdate"), "-v", "-k", str(path)]
        subprocess.run(words, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)


@contextmanager
def _key_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ovz-bench-") as folder:
        path = Path(folder) / "key"
        path.write_text(f'key "{KEY.name}" {{ algorithm {KEY.algorithm}; secret "{KEY.secret}"; }};\n')
        yield path


def _print_table(told: dict[str, Any], options: argparse.Namespace) -> None:
    records = options.zones * options.records
    print(f"{'what':58} {'seconds':>8} {'at most':>8}")
    print(f"{f'plan over {records:,} records in {options.zones} zones':58} {told['plan_s']:8.2f} {PLAN_SECONDS:8.0f}")
    print(f"{f'{options.changes} guarded changes, looked at':58} {told['guarded_s']:8.2f} {CHANGE_SECONDS:8.0f}")
    asked = f"{options.changes} names at {SERVERS_ASKED} servers, UDP and TCP"
    print(f"{asked:58} {told['verify_s']:8.2f} {VERIFY_SECONDS:8.0f}")
    print(f"{'the same changes without guards or looks, dnspython':58} {told['plain_s']:8.2f}")
    print(f"{'the same changes without guards or looks, nsupdate':58} {told['nsupdate_s']:8.2f}")


if __name__ == "__main__":
    sys.exit(main())
