"""What runs inside a lab container, and where in its private area each file belongs."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

SERVICE_PATH = "/opt/lab-guest/service.py"

#: path inside the container -> (our file, mode)
FILES: dict[str, tuple[Path, int]] = {
    "/sbin/init": (HERE / "init", 0o755),
    SERVICE_PATH: (HERE / "service.py", 0o644),
}
