"""Load a guest's service on a fixed schedule and tell what its users would have seen.

`python -m lab.client --address A --seconds 30 --journal acknowledged --report report.json`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import queue
import resource
import secrets
import signal
import threading
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from lab.directory import Directory
from lab.exchange import BrokenAnswer, Endpoint, KeptConnection, Reply, ask_once, encode_request
from lab.tally import Failure, GuestState, KeptConnections, Tally, utc_now

REQUEST_TIMEOUT_SECONDS = 60.0
STATE_TIMEOUT_SECONDS = 10.0
KEPT_CONNECTIONS = 4
KEPT_EVERY = 5  # one request in five goes over a kept connection


@dataclass(frozen=True, kw_only=True)
class Load:
    directory: Directory
    rate: float
    write_share: float
    seconds: float | None = None
    until_file: Path | None = None


class AcknowledgedWrites:
    """The client's own journal: a line for each acknowledged write, synced in batches beside the event loop."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def add(self, write_id: str) -> None:
        self._lines.put(write_id.encode() + b"\n")

    def close(self) -> None:
        """Return when all is on the disk.

        :raises OSError: the journal is not whole.
        """
        self._lines.put(None)
        self._thread.join()
        self._file.close()
        if self._error:
            raise self._error

    def _write(self) -> None:
        try:
            while self._write_batch():
                pass
        except OSError as error:
            self._error = error

    def _write_batch(self) -> bool:
        line = self._lines.get()
        while line is not None:
            self._file.write(line)
            if self._lines.empty():
                break
            line = self._lines.get()
        self._file.flush()
        os.fsync(self._file.fileno())
        return line is not None


class Client:
    def __init__(self, load: Load, journal: AcknowledgedWrites) -> None:
        self._load = load
        self._journal = journal
        self._kept = [KeptConnection(load.directory.where) for _ in range(KEPT_CONNECTIONS)]
        self._tally = Tally(started_at=utc_now(), kept=KeptConnections(kept=KEPT_CONNECTIONS))
        self._name = secrets.token_hex(4)
        self._started = 0.0
        self._stop = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        before = await self._ask_state()
        self._started = asyncio.get_running_loop().time()
        self._tally.started_at = utc_now()
        await self._send_on_schedule()
        self._count_connections()
        return self._tally.report(before=before, after=await self._ask_state())

    def stop(self) -> None:
        self._stop.set()

    async def _send_on_schedule(self) -> None:
        """Send each request when it is due, whatever became of those before it."""
        pending: set[asyncio.Task[None]] = set()
        for number in count():
            due_s = number / self._load.rate
            if self._is_over(due_s):
                break
            await asyncio.sleep(max(0.0, due_s - self._now_s()))
            task = asyncio.create_task(self._send(number, due_s))
            pending.add(task)
            task.add_done_callback(pending.discard)
        await asyncio.gather(*pending)

    def _is_over(self, due_s: float) -> bool:
        load = self._load
        return (
            self._stop.is_set()
            or (load.seconds is not None and due_s >= load.seconds)
            or (load.until_file is not None and load.until_file.exists())
        )

    async def _send(self, number: int, due_s: float) -> None:
        self._tally.sent(due_s=due_s, lag_s=self._now_s() - due_s)
        share = self._load.write_share
        write_id = f"{self._name}-{number:08}" if int((number + 1) * share) > int(number * share) else None
        try:
            # The clock runs from the moment the request was due: a late client hides no stall.
            async with asyncio.timeout(due_s + REQUEST_TIMEOUT_SECONDS - self._now_s()):
                reply = await self._ask(number, write_id)
            refuse_unless_ok(reply)
        except OSError as error:
            self._tally.failed(self._failure(error, due_s=due_s, kind="write" if write_id else "read"))
        else:
            self._tally.answered(due_s=due_s, latency_s=self._now_s() - due_s)
            if write_id:
                self._tally.acknowledged_writes += 1
                self._journal.add(write_id)

    async def _ask(self, number: int, write_id: str | None) -> Reply:
        keep = number % KEPT_EVERY == 0
        method, target = ("POST", f"/write?id={write_id}") if write_id else ("GET", "/")
        request = encode_request(method, target, host=self._load.directory.endpoint.address, keep_alive=keep)
        if keep:
            return await self._kept[number // KEPT_EVERY % KEPT_CONNECTIONS].ask(request)
        return await ask_once(await self._load.directory.where(), request)

    async def _ask_state(self) -> GuestState | None:
        endpoint = await self._load.directory.where()
        request = encode_request("GET", "/state", host=endpoint.address, keep_alive=False)
        try:
            async with asyncio.timeout(STATE_TIMEOUT_SECONDS):
                reply = await ask_once(endpoint, request)
            told = json.loads(reply.body)
            return GuestState(**{name: told[name] for name in GuestState.__dataclass_fields__})
        except (OSError, ValueError, KeyError):
            return None

    def _failure(self, error: OSError, *, due_s: float, kind: str) -> Failure:
        # asyncio words a refusal by itself and a time-out not at all.
        told = os.strerror(error.errno) if error.errno else str(error)
        reason = told or f"no answer within {REQUEST_TIMEOUT_SECONDS:.0f} s"
        return Failure(at_s=round(due_s, 3), after_s=round(self._now_s() - due_s, 3), kind=kind, reason=reason)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def _count_connections(self) -> None:
        self._tally.kept.unbroken = sum(connection.opened == 1 for connection in self._kept)
        self._tally.kept.reopened = sum(connection.reopened for connection in self._kept)
        self._tally.kept.closed_by_peer = sum(connection.closed_by_peer for connection in self._kept)
        for connection in self._kept:
            connection.close()


def refuse_unless_ok(reply: Reply) -> None:
    if reply.status != 200:
        raise BrokenAnswer(f"HTTP {reply.status}")


def lost_writes(acknowledged: Path, surviving: Path) -> list[str]:
    """Return the acknowledged writes that the surviving store does not hold, in the order they were acknowledged."""
    kept = set(surviving.read_text().splitlines())
    return [write_id for write_id in acknowledged.read_text().splitlines() if write_id not in kept]


async def measure(load: Load, *, journal: Path) -> dict[str, Any]:
    """Run the load to its end, or until SIGTERM or SIGINT, and return the report."""
    acknowledged = AcknowledgedWrites(journal)
    try:
        client = Client(load, acknowledged)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, client.stop)
        return await client.run()
    finally:
        acknowledged.close()


def read_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.client", description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--name", default="", help="look this name up instead, as its TTL says")
    parser.add_argument("--server", default="", help="the name server to ask")
    parser.add_argument("--stretch", type=float, default=1.0, help="keep answers for so many times their TTL")
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second")
    parser.add_argument("--write-share", type=float, default=0.25)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--until-file", type=Path, help="go on until this file exists")
    parser.add_argument("--journal", type=Path, required=True, help="one line per acknowledged write")
    parser.add_argument("--report", type=Path, required=True)
    arguments = parser.parse_args(argv)
    if arguments.rate <= 0 or not 0 <= arguments.write_share <= 1:
        parser.error("--rate must be above 0 and --write-share between 0 and 1")
    return arguments


def write_whole(path: Path, text: str) -> None:
    """Write so that a reader sees all of it or nothing."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text)
    unfinished.replace(path)


def main(argv: list[str] | None = None) -> None:
    arguments = read_arguments(argv)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # a long stall keeps thousands waiting
    load = Load(
        directory=Directory(
            endpoint=Endpoint(address=arguments.address, port=arguments.port),
            name=arguments.name,
            server=arguments.server,
            stretch=arguments.stretch,
        ),
        rate=arguments.rate,
        write_share=arguments.write_share,
        seconds=arguments.seconds,
        until_file=arguments.until_file,
    )
    report = asyncio.run(measure(load, journal=arguments.journal))
    report["cpu_seconds"] = round(sum(os.times()[:2]), 3)
    write_whole(arguments.report, json.dumps(report, indent=1) + "\n")
    print(json.dumps({name: report[name] for name in report if name not in ("seconds", "failures")}))


if __name__ == "__main__":
    main()
