"""SPF records, term by term."""

from __future__ import annotations

import pytest

from migrations_app.zones import spf, strings
from migrations_app.zones.swap import checked_swaps

V4 = checked_swaps([("192.0.2.1", "198.51.100.7")])
BOTH = checked_swaps([("192.0.2.1", "198.51.100.7"), ("2001:db8::1", "2001:db8:1::7")])
GONE = checked_swaps([("192.0.2.1", "")])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", "v=spf1 ip4:198.51.100.7 -all"),
        ("v=spf1 ip4:192.0.2.1/32 -all", "v=spf1 ip4:198.51.100.7 -all"),
        ("V=SPF1 +IP4:192.0.2.1 ~all", "V=SPF1 +ip4:198.51.100.7 ~all"),
        ("v=spf1 ?ip4:192.0.2.1 -all", "v=spf1 ?ip4:198.51.100.7 -all"),
        # What merely looks like it.
        ("v=spf1 ip4:192.0.2.11 ip4:1.192.0.2 -all", None),
        ("v=spf1 include:192.0.2.1.example.net exists:192.0.2.1 -all", None),
        # Ranges: others live in them.
        ("v=spf1 ip4:192.0.2.0/24 -all", "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.7 -all"),
        ("v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all", None),
        ("v=spf1 ip4:0.0.0.0/0 -all", None),
        ("v=spf1 ip4:192.0.2.77/24 -all", "v=spf1 ip4:192.0.2.77/24 ip4:198.51.100.7 -all"),
        # Already there, twice there, there under another sign.
        ("v=spf1 ip4:192.0.2.1 ip4:198.51.100.7 -all", "v=spf1 ip4:198.51.100.7 -all"),
        ("v=spf1 ip4:192.0.2.1 ip4:192.0.2.1 -all", "v=spf1 ip4:198.51.100.7 -all"),
        ("v=spf1 ip4:192.0.2.1 -ip4:198.51.100.7 -all", "v=spf1 ip4:198.51.100.7 -ip4:198.51.100.7 -all"),
        # Terms that stand are copied as they were written.
        ("v=spf1 a MX:Mail.b ip4:192.0.2.1 exp=x.%{d} ~ALL", "v=spf1 a MX:Mail.b ip4:198.51.100.7 exp=x.%{d} ~ALL"),
        ("v=spf1   a    -all", None),
    ],
)  # fmt: skip
def test_it_changes_the_terms_that_hold_the_address_and_no_others(before: str, after: str | None) -> None:
    assert spf.rewrite(before, V4) == (after or before)


def test_both_families_change_in_one_record() -> None:
    before = "v=spf1 ip4:192.0.2.1 ip6:2001:DB8:0:0::1 ip6:2001:db8::1:0/112 -all"
    assert spf.rewrite(before, BOTH) == "v=spf1 ip4:198.51.100.7 ip6:2001:db8:1::7 ip6:2001:db8::1:0/112 -all"


def test_an_address_that_goes_away_leaves_ranges_alone() -> None:
    assert spf.rewrite("v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/28 -all", GONE) == "v=spf1 ip4:192.0.2.0/28 -all"


@pytest.mark.parametrize(
    "text",
    ["v=spf1 ip4:192.0.2.1; -all", "v=spf1 ipv4:192.0.2.1", "v=spf1 ip4:2001:db8::1", "v=spf1 ip6:192.0.2.1",
     "v=spf1 ip4:192.0.2.1/33", "v=spf1 ip4:", "v=spf1 -", 'v=spf1 "ip4:192.0.2.1"', "v=spf1 ip4:010.0.0.1"],
)  # fmt: skip
def test_it_does_not_guess_at_a_mistake(text: str) -> None:
    with pytest.raises(spf.NotReadable):
        spf.rewrite(text, V4)


@pytest.mark.parametrize(
    ("text", "it_is"),
    [("v=spf1", True), ("v=spf1 -all", True), ("V=Spf1 a", True), ("v=spf10 a", False), ("spf1", False), ("", False)],
)
def test_it_knows_an_spf_record(text: str, it_is: bool) -> None:
    assert spf.is_spf(text) is it_is


def test_it_counts_lookups_through_what_we_hold() -> None:
    records = {
        "a.example.": "v=spf1 include:b.example a mx ip4:192.0.2.1 -all",
        "b.example.": "v=spf1 include:c.example exists:%{i}.x ptr redirect=a.example",  # and round again
    }
    assert spf.lookups("v=spf1 ip4:192.0.2.1 include:other.example all", records.get) == 1
    assert spf.lookups(records["a.example."], records.get) > spf.MOST_LOOKUPS
    assert spf.lookups(" ".join(["v=spf1", *["a"] * 11]), records.get) == 11


def test_it_names_what_it_cannot_foresee() -> None:
    assert len(list(spf.oddities("v=spf1 ptr exists:%{i}.example include:%{d}.example a -all"))) == 3


@pytest.mark.parametrize(
    "text", ["", "a", "x" * 255, "x" * 256, 'quo"te and \\ back', "\x00\xff\n", "v=spf1 " + "ip4:1.2.3.4 " * 60]
)
def test_texts_go_into_strings_and_come_back(text: str) -> None:
    value = strings.value_of(text)
    assert strings.text_of(value) == text
    assert all(len(part) <= 255 for part in [text[at : at + 255] for at in range(0, len(text), 255)])
    assert strings.octets_of(value) == len(text) + max(1, -(-len(text) // 255))


def test_unquoted_strings_are_read_too() -> None:
    assert strings.text_of("v=spf1 -all") == "v=spf1-all"
    assert strings.text_of('"v=spf1 " "-all"') == "v=spf1 -all"
