"""The lab: simulated OpenVZ nodes, a measuring client and an independent observer."""

from __future__ import annotations
