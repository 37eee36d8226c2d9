"""What a tool's exit code means for a migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# ok            it did what it was asked
# retry         the source is as it was; the same again may help
# fix           the source is as it was; something on a node has to be put right first
# conflict      the target holds something of the same number, name or address
# not_live      this container cannot move live between these nodes
# panel         the panel asked wrongly
# look_at_both  nobody knows; both nodes must be asked before anything else is done
Kind = Literal["ok", "retry", "look_at_both", "not_live", "conflict", "fix", "panel"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    kind: Kind
    sentence: str
    fall_back: bool = False  # another method may still carry the container

    @property
    def ok(self) -> bool:
        return self.kind == "ok"


def look_at_both(exit_code: int) -> Verdict:
    return Verdict(kind="look_at_both", sentence=f"ended with {exit_code}, after which either node may run it")
