"""Whether a container's processes may be carried from one kernel to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz.facts.container import ContainerFact
from migrations_app.vz.facts.fact import Answer, Checked, Fact, key_values, number, succeeded
from migrations_app.vz.names import checked_number


@dataclass(frozen=True, kw_only=True)
class CheckpointSupport:
    """Kernel modules of OpenVZ 6: ``cpt`` saves (source), ``rst`` restores (target)."""

    cpt: bool
    rst: bool


@dataclass(frozen=True)
class Checkpointing(Fact[CheckpointSupport]):
    name: ClassVar[str] = "cpt"

    def _understand(self, answer: Answer) -> CheckpointSupport:
        found = key_values(succeeded(answer))
        return CheckpointSupport(cpt=found["cpt"] == "yes", rst=found["rst"] == "yes")


@dataclass(frozen=True)
class CptVersion(Fact[int]):
    """Version of the checkpoint images this kernel writes (``vzcptcheck version``)."""

    name: ClassVar[str] = "cpt_version"

    def _understand(self, answer: Answer) -> int:
        return number(succeeded(answer).strip())


@dataclass(frozen=True)
class CptCaps(Fact[int]):
    """CPU capabilities of this node as one number (``vzcptcheck caps``)."""

    name: ClassVar[str] = "cpt_caps"

    def _understand(self, answer: Answer) -> int:
        return number(succeeded(answer).strip())


@dataclass(frozen=True)
class CptVersionOk(Fact[Checked]):
    """Whether this node can restore images of that version; asked on the target."""

    version: int

    name: ClassVar[str] = "cpt_version_ok"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (checked_number(self.version, field="image version"),)

    def _understand(self, answer: Answer) -> Checked:
        return Checked.of(answer)


@dataclass(frozen=True)
class CptCapsOk(ContainerFact[Checked]):
    """Whether the container can live with the target's capabilities; asked on the source.

    The tool says "Insufficient CPU capabilities" for every reason: the true one stands before it.
    """

    caps: int

    name: ClassVar[str] = "cpt_caps_ok"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, checked_number(self.caps, field="capabilities"))

    def _understand(self, answer: Answer) -> Checked:
        return Checked.of(answer)
