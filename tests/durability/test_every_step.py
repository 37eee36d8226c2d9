"""Whatever is killed with -9 at whichever step: the move ends as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.durability.campaign import STEPS, Campaign

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("alone", [True, False], ids=["its-worker", "a-whole-part"])
@pytest.mark.parametrize(("method", "step"), STEPS)
def test_a_move_survives_a_kill_at(campaign: Campaign, method: str, step: str, alone: bool) -> None:
    hit = campaign.struck[alone].get((method, step), [])
    assert hit, "nothing was killed at this step"
    told = {number: complaints for number in hit if (complaints := campaign.moved[number].complaints)}
    assert told == {}


def test_the_observer_never_saw_two_copies(campaign: Campaign) -> None:
    assert campaign.watch.max_copies_running == 1
    assert campaign.watch.samples > 1000


def test_every_part_was_killed_often(campaign: Campaign) -> None:
    kinds = [blow.kind for blow in campaign.strikes]
    assert {kind: kinds.count(kind) >= 5 for kind in set(kinds)} == dict.fromkeys(
        ("worker", "cluster", "work", "panel"), True
    )


def test_everybody_got_every_letter(campaign: Campaign) -> None:
    """A worker that is killed while it talks to the mail server sends again, under the same message id."""
    letters = {message["Message-ID"]: message for message in campaign.fleet.lab.mail()}
    words = [message["Subject"].split() for message in letters.values()]
    told = {number: sorted(kind for _, kind, which, *_ in words if which == f"m{number}:") for number in campaign.moved}
    assert told == {number: ["Done", "Scheduled", "Started"] for number in campaign.moved}
