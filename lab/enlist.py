"""Make the lab's nodes the panel's, by the way a person goes: add, compare the host key, install the gate, scan.

Runs in the panel's place, with its settings in the environment: `python -m lab.enlist RUN_ID`.
"""

from __future__ import annotations

import os
import sys

import django


def main(run_id: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()
    from lab import cast
    from lab.handle import Lab

    lab = Lab.attach(run_id)
    ada = cast.people()
    for lab_node in lab.nodes:
        cast.enlist(lab_node, actor=ada)
    cast.give_owners()


if __name__ == "__main__":
    main(sys.argv[1])
