from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from migrations_app.models import AuditLine
from migrations_app.usecases.grant_right import RightRefused, grant_right
from tests.fakes.clock import START


@pytest.mark.parametrize("right", ["approve", "override_approval"])
def test_it_is_given_and_taken_back(ada: User, right: str) -> None:
    for given, words in ((True, [right, "ada"]), (False, [right, "ada", "--take-back"])):
        call_command("grant", *words)
        assert User.objects.get(pk=ada.pk).has_perm(f"migrations_app.{right}") is given
        line = AuditLine.objects.order_by("-number")[0]
        assert (line.subject, line.detail["right"], line.detail["after"]) == ("ada", right, given)


def test_it_is_for_staff(carla: User) -> None:
    with pytest.raises(CommandError, match="not staff"):
        call_command("grant", "approve", "carla")


def test_it_is_for_somebody_who_exists(db: None) -> None:
    with pytest.raises(CommandError, match="no user"):
        call_command("grant", "approve", "zed")


def test_there_are_no_other_rights(ada: User) -> None:
    with pytest.raises(RightRefused):
        grant_right(user=ada, right="delete_user", given=True, actor=None, now=START)
