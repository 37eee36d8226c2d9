from __future__ import annotations

from migrations_app.approvals import difference
from migrations_app.approvals.difference import Change

OLD = {"name": "b", "terms": {"opens_at": None, "care": True}, "moves": [{"to": "x", "after": []}, {"to": "y"}]}


def test_equal_contents_have_none() -> None:
    assert difference.between(OLD, OLD) == []


def test_it_names_each_place_with_old_and_new() -> None:
    new = {"name": "b", "terms": {"opens_at": "02:00", "care": False}, "moves": [{"to": "z", "after": [1]}]}
    assert difference.between(OLD, new) == [
        Change(place="terms / opens at", old="", new="02:00"),
        Change(place="terms / care", old="yes", new="no"),
        Change(place="moves 1 / to", old="x", new="z"),
        Change(place="moves 1 / after", old="", new="1"),
        Change(place="moves 2 / to", old="y", new=""),
    ]


def test_a_content_is_shown_part_by_part() -> None:
    name, terms, moves = difference.parts_of(OLD)
    assert name.facts == [("name", "b")]
    assert (terms.title, terms.facts) == ("terms", [("opens at", "none"), ("care", "yes")])
    assert moves.rows == [[("to", "x"), ("after", "none")], [("to", "y")]]
