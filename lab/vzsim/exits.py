"""Exit codes of vzctl, and the error that carries one out."""

from __future__ import annotations

SYSTEM = 3
NO_OPENVZ_KERNEL = 5
RESOURCES = 6
COMMAND_FAILED = 8
LOCKED = 9
NO_GLOBAL_CONF = 10
NO_CONF = 14
CHECKPOINT = 16
RESTORE = 17
BAD_PARAMETER = 20
BAD_VALUE = 21
NO_VE_ROOT = 22
NO_VE_PRIVATE = 23
NOT_ENOUGH_PARAMETERS = 27
NOT_RUNNING = 31
RUNNING = 32
STOP_FAILED = 33
CANNOT_ADD_ADDRESS = 34
NOT_MOUNTED = 40
MOUNTED = 41
NO_PRIVATE = 43
PRIVATE_EXISTS = 44
NO_DISK_SPACE = 46
BAD_TEMPLATE = 47
MOUNT_FAILED = 50
UMOUNT_FAILED = 51
BAD_HOSTNAME = 70
BAD_ADDRESS = 71
ADDRESS_IN_USE = 78
ACTION_SCRIPT = 79
CONF_COPY = 82
ADDRESS_NOT_AVAILABLE = 89
NO_TEMPLATE = 91
PLOOP_UNSUPPORTED = 99
START_DISABLED = 105
NO_DISTRIBUTION_CONF = 107
NAME = 131
WAIT_FAILED = 133
CONF_SAVE = 139


class VzError(Exception):
    """A refusal or failure: the text for standard error and the exit code of the tool."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code
        self.lines = lines
