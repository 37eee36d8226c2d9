"""Port: what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

# Returns an aware time in UTC. Doors hand it down; below them nobody asks the system.
Clock = Callable[[], datetime]
