"""A real SMTP sink: what is sent to port 2525 of the panel's place becomes one .eml file per message."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from pathlib import Path

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
PORT = 2525


class Keeper:
    """Write messages whole: a reader never meets half of one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        name = f"{time.time_ns()}-{next(self.numbers)}.eml"
        draft = self.folder / f".{name}"
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n".encode()
        body = envelope.original_content or b""
        draft.write_bytes(head + body)
        os.replace(draft, self.folder / name)
        return "250 kept"


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    UnthreadedController(Keeper(folder), hostname=HOST, port=PORT, loop=loop).begin()
    loop.run_forever()


if __name__ == "__main__":
    main()
