from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from migrations_app.audit import chain, trail
from migrations_app.audit.chain import ORIGIN, Anchor
from migrations_app.models import AuditHead, AuditLine
from tests.audit.stage import tamper, write_lines
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


def test_each_line_holds_the_digest_of_the_one_before(ada: User) -> None:
    write_lines(3, ada)
    lines = list(AuditLine.objects.order_by("number"))
    assert [line.number for line in lines] == [1, 2, 3]
    assert [line.previous for line in lines] == [ORIGIN, lines[0].digest, lines[1].digest]
    assert chain.head() == Anchor(number=3, digest=lines[2].digest)
    assert chain.verify() is None


def test_an_empty_trail_is_whole() -> None:
    assert chain.verify() is None


@pytest.mark.parametrize(
    "detail",
    [
        {"number": 1e22, "share": 0.1, "whole": 5.0, "small": 1e-7, "flag": True},
        {"name": "caf\u00e9 \U0001f600 \x00 \ud800 end"},
        {"deep": {"list": [1, {"two": (3, None)}], "set": {4}}},
        {"at": START, "long": "x" * 100_000, "many": list(range(1000))},
    ],
    ids=["numbers", "letters", "depth", "length"],
)
def test_whatever_a_detail_holds_comes_back_as_it_was_hashed(detail: dict[str, object]) -> None:
    trail.record("try", "caf\u00e9 \x00", actor=None, now=START + timedelta(microseconds=1), **detail)
    assert chain.verify() is None


EDITS = {
    "who": "UPDATE LINES SET actor_name = 'mallory' WHERE number = 3",
    "whose account": "UPDATE LINES SET actor_id = NULL WHERE number = 3",
    "when": "UPDATE LINES SET at = '2020-01-01 00:00:00+00:00' WHERE number = 3",
    "verb": "UPDATE LINES SET verb = 'pause' WHERE number = 3",
    "subject": "UPDATE LINES SET subject = 'another' WHERE number = 3",
    "detail": "UPDATE LINES SET detail = '{\"after\": 4}' WHERE number = 3",
    "digest": f"UPDATE LINES SET digest = '{'0' * 64}' WHERE number = 3",
}


@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS.keys())
def test_a_changed_line_is_named(ada: User, statement: str) -> None:
    write_lines(5, ada)
    tamper(statement)
    fault = chain.verify()
    assert fault is not None
    assert fault.number == 3
    assert "changed" in fault.reason


def test_a_changed_line_with_a_digest_to_match_is_betrayed_by_the_next(ada: User) -> None:
    write_lines(5, ada)
    line = AuditLine.objects.get(number=3)
    line.verb = "pause"
    tamper("UPDATE LINES SET verb = 'pause', digest = %s WHERE number = 3", chain.digest_of(line))
    fault = chain.verify()
    assert fault is not None
    assert fault.number == 4


def test_a_line_taken_out_is_named() -> None:
    write_lines(5)
    tamper("DELETE FROM LINES WHERE number = 3")
    fault = chain.verify()
    assert fault is not None
    assert (fault.number, "missing" in fault.reason) == (3, True)


def test_a_line_taken_out_and_the_rest_moved_up_is_named() -> None:
    write_lines(5)
    tamper("DELETE FROM LINES WHERE number = 3")
    tamper("UPDATE LINES SET number = 3 WHERE number = 4")
    tamper("UPDATE LINES SET number = 4 WHERE number = 5")
    fault = chain.verify()
    assert fault is not None
    assert fault.number == 3


def test_two_lines_that_changed_places_are_named() -> None:
    write_lines(5)
    for place, to in ((2, 99), (4, 2), (99, 4)):
        tamper("UPDATE LINES SET number = %s WHERE number = %s", to, place)
    fault = chain.verify()
    assert fault is not None
    assert fault.number == 2


def test_an_end_cut_off_is_named() -> None:
    write_lines(5)
    tamper("DELETE FROM LINES WHERE number > 3")
    fault = chain.verify()
    assert fault is not None
    assert (fault.number, "there were 5" in fault.reason) == (4, True)


def test_an_end_cut_off_with_the_head_moved_back_is_betrayed_by_an_anchor_alone() -> None:
    write_lines(5)
    anchor = chain.head()
    tamper("DELETE FROM LINES WHERE number > 3")
    AuditHead.objects.update(number=3, digest=AuditLine.objects.get(number=3).digest)
    assert chain.verify() is None
    fault = chain.verify([anchor])
    assert fault is not None
    assert (fault.number, "missing" in fault.reason) == (4, True)


def test_a_chain_written_anew_is_betrayed_by_an_anchor() -> None:
    write_lines(3)
    anchors = [chain.head()]
    write_lines(2)
    anchors.append(chain.head())
    tamper("DELETE FROM LINES")
    AuditHead.objects.update(number=0, digest=ORIGIN)
    write_lines(2)
    write_lines(4)
    assert chain.verify() is None
    fault = chain.verify(anchors)
    assert fault is not None
    assert (fault.number, "anchored" in fault.reason) == (3, True)
