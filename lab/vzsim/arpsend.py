"""arpsend: announce an address, or ask who has it."""

from __future__ import annotations

import socket
import sys
import time

from . import arp, faults

USAGE = """\
Usage: arpsend -U -i <address> [-e <address>] [-c <count>] interface
       arpsend -D -e <address> [-e <address> ...] [-c <count>] [-w <seconds>] interface"""
SOMEBODY_ANSWERED = 3
VALUED = {"-i": "sender", "-e": "target", "-c": "count", "-w": "wait"}


def main(argv: list[str]) -> int:
    faults.strike("arpsend", *argv[:1])
    try:
        mode, found, device = parse(argv)
        with arp.open_on(device) as sock:
            if mode == "-U":
                return _announce(sock, device, found)
            return _detect(sock, found)
    except (ValueError, KeyError, IndexError):
        print(USAGE, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"arpsend: {argv[-1]}: {error.strerror or error}", file=sys.stderr)
        return 1


def parse(argv: list[str]) -> tuple[str, dict[str, list[str]], str]:
    found: dict[str, list[str]] = {name: [] for name in VALUED.values()}
    mode, device = "", ""
    words = iter(argv)
    for word in words:
        if word in ("-U", "-D"):
            mode = word
        elif word in VALUED:
            found[VALUED[word]].append(next(words, ""))
        elif word.startswith("-"):
            raise ValueError(word)
        else:
            device = word
    if not mode or not device or not (found["target"] or found["sender"]):
        raise ValueError("incomplete")
    for address in (*found["target"], *found["sender"]):
        socket.inet_aton(address)
    return mode, found, device


def _count(found: dict[str, list[str]]) -> int:
    return int(found["count"][-1]) if found["count"] else 1


def _announce(sock: socket.socket, device: str, found: dict[str, list[str]]) -> int:
    for number in range(_count(found)):
        if number:
            time.sleep(1)
        for address in found["sender"] or found["target"]:
            arp.announce(device, address)
    return 0


def _detect(sock: socket.socket, found: dict[str, list[str]]) -> int:
    """Ask until somebody answers or the time is up."""
    seconds = float(found["wait"][-1]) if found["wait"] else 1.0
    sender = found["sender"][-1] if found["sender"] else arp.ANYBODY
    for _ in range(_count(found)):
        arp.ask(sock, found["target"], sender=sender)
        if answer := arp.hear_answer(sock, found["target"], seconds=seconds):
            address, mac = answer
            print(f"arpsend: {address} is detected on another computer : {mac.hex(':')}")
            return SOMEBODY_ANSWERED
    return 0
