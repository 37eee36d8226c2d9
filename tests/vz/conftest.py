from __future__ import annotations

from hypothesis import settings

# The machine may be busy with other things: how long one example takes says nothing here.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
