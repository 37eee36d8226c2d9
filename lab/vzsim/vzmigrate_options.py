"""The command line of vzmigrate 4.11."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

USAGE = """\
This program is used for container migration to another node.
Usage:
  vzmigrate [option ...] destination_address <CTID>
Options:
-r, --remove-area yes|no  remove the container on the source after a successful migration (default: yes)
--ssh=<ssh options>       additional options for ssh
--rsync=<rsync options>   additional options for rsync
--keep-dst                keep the synced private area on the destination if the migration fails
-c, --compact             compact the image first (ploop only)
-s, --snapshot            make a snapshot first (ploop only)
--live, --online          live migration: checkpoint and restore instead of stop and start
--check-only, --dry-run   stop after the preliminary checks
-f, --nodeps[=<check>[,<check> ...]]  ignore failed checks: cpu, ipv6, all
--ssh-mux                 use one master ssh connection for everything
-v                        be verbose; up to four times
-t, --times               print how long each stage of the suspended time took"""

FLAGS = {
    "--keep-dst": "keep_dst",
    "--live": "live",
    "--online": "live",
    "--check-only": "check_only",
    "--dry-run": "check_only",
    "--ssh-mux": "mux",
    "--compact": "compact",
    "-c": "compact",
    "--snapshot": "snapshot",
    "-s": "snapshot",
    "--times": "times",
    "-t": "times",
}
VALUED = {"-r": "remove_area", "--remove-area": "remove_area", "--ssh": "ssh", "--rsync": "rsync"}
MOST_VERBOSE = 4
CHECKS = {"cpu": ("cpu",), "cpu_check": ("cpu",), "ipv6": ("ipv6",), "all": ("cpu", "ipv6")}


class BadUsage(Exception):
    """What was wrong with the command line."""


class Options(NamedTuple):
    host: str
    container: str
    live: bool = False
    check_only: bool = False
    keep_dst: bool = False
    mux: bool = False
    compact: bool = False
    snapshot: bool = False
    times: bool = False
    remove_area: bool = True
    ssh: str = ""
    rsync: str = ""
    ignored: frozenset[str] = frozenset()
    verbose: int = 0


def parse(argv: list[str]) -> Options:
    """Read the options in any order, as getopt does."""
    found: dict[str, str] = {}
    ignored: set[str] = set()
    plain: list[str] = []
    verbose = 0
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("-f", "--nodeps"):
            ignored |= _ignored(value if equals else "all")
        elif name in VALUED:
            found[VALUED[name]] = value if equals else _value(words, name)
        elif word in FLAGS:
            found[FLAGS[word]] = "yes"
        elif len(word) > 1 and not word.strip("-v") and word.startswith("-v"):
            verbose += word.count("v")
        elif word.startswith("-"):
            raise BadUsage(f"unrecognized option '{word}'")
        else:
            plain.append(word)
    return _options(found, plain, frozenset(ignored), min(verbose, MOST_VERBOSE))


def _options(found: dict[str, str], plain: list[str], ignored: frozenset[str], verbose: int) -> Options:
    if len(plain) < 2:
        raise BadUsage("not enough parameters")
    if len(plain) > 2:
        raise BadUsage("too many parameters")
    remove_area = found.pop("remove_area", "yes")
    if remove_area not in ("yes", "no"):
        raise BadUsage(f"Bad argument for --remove-area: {remove_area}")
    host, container = plain
    return Options(
        host=host,
        container=container,
        live="live" in found,
        check_only="check_only" in found,
        keep_dst="keep_dst" in found,
        mux="mux" in found,
        compact="compact" in found,
        snapshot="snapshot" in found,
        times="times" in found or verbose > 0,
        remove_area=remove_area == "yes",
        ssh=found.get("ssh", ""),
        rsync=found.get("rsync", ""),
        ignored=ignored,
        verbose=verbose,
    )


def _ignored(value: str) -> set[str]:
    words = value.split(",")
    for word in words:
        if word not in CHECKS:
            raise BadUsage(f"unknown --nodeps argument: {word}")
    return {check for word in words for check in CHECKS[word]}


def _value(words: Iterator[str], name: str) -> str:
    value = next(words, None)
    if value is None:
        raise BadUsage(f"option '{name}' requires an argument")
    return value
