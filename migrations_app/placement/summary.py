"""A proposal in a few lines, for the person at the terminal."""

from __future__ import annotations

from typing import Any

SHOWN = 10
GB = 1e9


def summary(proposal: dict[str, Any]) -> str:
    """Say what is proposed, how good it is known to be, and what cannot be."""
    moves, blocked = proposal["moves"], proposal["impossible"]
    lines = [
        f"{proposal['goal']}: {proposal['status']}, {len(moves)} moves, {proposal['bytes'] / GB:.1f} GB, "
        f"in {proposal['seconds']:.1f} s",
        f"highest pressure {proposal['peak']:.2%}, on receiving nodes {proposal['peak_recv']:.2%}",
        _how_good(proposal),
        *proposal["notes"],
        *(f"{ct} -> {node}: {proposal['reasons'][ct]}" for ct, node in moves[:SHOWN]),
    ]
    if len(moves) > SHOWN:
        lines.append(f"... and {len(moves) - SHOWN} more")
    lines += [f"{one['ct']}: {one['why']}" for one in blocked[:SHOWN]]
    if len(blocked) > SHOWN:
        lines.append(f"... and {len(blocked) - SHOWN} more that cannot")
    return "\n".join(lines)


def _how_good(proposal: dict[str, Any]) -> str:
    bounds = ", ".join(f"{name} at least {value:.6g}" for name, value in proposal["lower_bound"].items())
    if proposal["gap"] is None:
        return f"the goal is not reached; proven bounds: {bounds}"
    return f"at most {proposal['gap']:.2%} from the best possible: {bounds}"
