from __future__ import annotations

import base64
import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.vz import names
from migrations_app.vz.names import BadValue

UUID = "3d9ba9ba-ae53-44d7-a6d0-53ef0ab7b3a2"
BASE64 = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()


@pytest.mark.parametrize("ctid", ["101", "1042", "2147483644", UUID])
def test_it_takes_a_container_number(ctid: str) -> None:
    assert names.checked_ctid(ctid) == ctid


def test_it_takes_a_uuid_in_any_case() -> None:
    assert names.checked_ctid(UUID.upper()) == UUID


BAD_CTIDS = ["0", "-1", "1", "99", "100", "2147483645", "2147483648", "9" * 30, "0101", "+101", "101.0", "1e3", "10_1"]
BAD_CTIDS += ["", " 101", "101 ", "101;id", "$(id)", "-oProxyCommand=x", "../101", "101\n", "101\0", "1\u202e01"]
BAD_CTIDS += [
    "\u0661\u0660\u0661",
    "\uff11\uff10\uff11",
    "🐎",
    "1" * 256,
    UUID[:-1],
    UUID + "0",
    UUID.replace("a", "g"),
    "{" + UUID + "}",
]
# Lower-casing the Kelvin sign gives a plain k, the dotted I two characters: neither may slip in.
BAD_CTIDS += [UUID.replace("3d9ba9ba", "3d9ba9b\u212a"), "\u0130" + UUID[1:]]


@pytest.mark.parametrize("ctid", BAD_CTIDS)
def test_it_refuses_what_is_no_container_number(ctid: str) -> None:
    with pytest.raises(BadValue, match="CTID") as refusal:
        names.checked_ctid(ctid)
    assert refusal.value.field == "CTID"
    assert refusal.value.reason
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("value", [-1, 10**18 + 1, True, "7", 1.0])
def test_it_refuses_what_is_no_number_in_range(value: int) -> None:
    with pytest.raises(BadValue, match="whole number"):
        names.checked_number(value, field="limit")


def test_a_migration_counts_from_one() -> None:
    assert names.checked_migration(1) == "1"
    with pytest.raises(BadValue, match="migration"):
        names.checked_migration(0)


@pytest.mark.parametrize(
    "name", ["shop", "shop.example.net", "SHOP.Example.NET", "xn--bcher-kva.example", "a" * 63, "7up.example"]
)
def test_it_takes_a_host_name(name: str) -> None:
    assert names.checked_host_name(name) == name.lower()


BAD_HOST_NAMES = {
    "": "1 to 253",
    "a" * 64 + ".net": "64 characters, 63 are allowed",
    ".".join(["a" * 49] * 5) + ".long": "has 254",
    "shop.example.net.": "inner dashes",
    "a..b": "inner dashes",
    ".a": "inner dashes",
    "-shop": "inner dashes",
    "shop-": "inner dashes",
    "under_score.net": "inner dashes",
    "bücher.example": "xn--",
    "a\nBcc: x": "inner dashes",
    "a b": "inner dashes",
    "10.0.0.1": "is an address",
    "2001:db8::1": "is an address",
    "1.2.3": "must not be a number",
    "010.0.0.1": "must not be a number",
}


@pytest.mark.parametrize("name", BAD_HOST_NAMES)
def test_it_refuses_what_is_no_host_name(name: str) -> None:
    with pytest.raises(BadValue) as refusal:
        names.checked_host_name(name)
    assert BAD_HOST_NAMES[name] in refusal.value.reason


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("10.0.0.1", "10.0.0.1"), ("2001:0DB8::0007", "2001:db8::7"), ("198.51.100.7", "198.51.100.7")],
)
def test_it_takes_an_address(written: str, canonical: str) -> None:
    assert names.checked_address(written) == canonical


BAD_ADDRESSES = ["", "010.0.0.1", "1.2.3", "10.0.0.1/33", "10.0.0.1/24", "10.0.0.256", "0.0.0.0", "0.1.2.3", "::"]
BAD_ADDRESSES += ["255.255.255.255", "240.0.0.1", "224.0.0.1", "ff02::1", "127.0.0.1", "::1", "169.254.169.254"]
BAD_ADDRESSES += [
    "fe80::1",
    "fe80::1%eth0",
    "2001:db8::1%eth0",
    "::ffff:1.2.3.4",
    "10.0.0.1\n",
    "\uff110.0.0.1",
    "10.0.0.1;id",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_it_refuses_what_no_machine_can_own(address: str) -> None:
    with pytest.raises(BadValue) as refusal:
        names.checked_address(address, field="new address")
    assert refusal.value.field == "new address"


def test_it_takes_a_public_key_and_drops_its_comment() -> None:
    assert names.checked_public_key(f"ssh-ed25519 {BASE64} root@vz1 extra") == ("ssh-ed25519", BASE64)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        f"ssh-dss {BASE64}",
        f"ssh-rsa {BASE64}",
        "ssh-ed25519 AAAA",
        f"ssh-ed25519 {BASE64[:-1]}é",
        f"ssh-ed25519 {BASE64[:-3]}",
        f"ssh-ed25519 {'A' * 1_404}",
        f'command="id" ssh-ed25519 {BASE64}',
    ],
)
def test_it_refuses_what_is_no_public_key(line: str) -> None:
    with pytest.raises(BadValue, match="public key"):
        names.checked_public_key(line)


@pytest.mark.parametrize("name", ["archive.tar", "vzdump-openvz-101-2025_01_01-00_00_00.tgz", "a" * 128])
def test_it_takes_a_plain_file_name(name: str) -> None:
    assert names.checked_file_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "/etc/passwd", "a..b", "a b", "a" * 129, "a\n", "-a"]
)
def test_it_refuses_what_is_no_plain_file_name(name: str) -> None:
    with pytest.raises(BadValue, match="file name"):
        names.checked_file_name(name)


@pytest.mark.parametrize("twin", ["SHOP", "\uff53\uff48\uff4f\uff50", "Shop", "\uff33\uff28\uff2f\uff30"])
def test_names_that_look_alike_fold_to_the_same(twin: str) -> None:
    assert names.folded(twin) == names.folded("shop")


def test_names_that_differ_stay_apart() -> None:
    assert names.folded("shop1") != names.folded("shop2")


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("plain", "plain"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("cut \x1b", "cut "),
        ("nul\0bell\x07", "nulbell"),
        ("left\u202eright\u2066\u200b", "leftright"),
        ("surrogate\ud800", "surrogate"),
        ("paragraph\u2029", "paragraph"),
        ("<script>", "<script>"),
        ("Grüße 東京 🐎", "Grüße 東京 🐎"),
    ],
)
def test_it_cleans_text_from_elsewhere(dirty: str, clean: str) -> None:
    assert names.clean_text(dirty) == clean


def test_it_bounds_text_from_elsewhere() -> None:
    assert names.clean_text("x" * 10_000_000, limit=10) == "x" * 9 + "…"
    assert names.clean_line("a  b\n\nc", limit=10) == "a b c"
    assert names.clean_line("x" * 50, limit=10) == "x" * 9 + "…"


@given(st.text(), st.integers(2, 60))
def test_cleaned_text_is_short_visible_and_stays_as_it_is(text: str, limit: int) -> None:
    cleaned = names.clean_text(text, limit=limit)
    assert len(cleaned) <= limit
    assert all(character in "\n\t" or unicodedata.category(character)[0] != "C" for character in cleaned)
    assert names.clean_text(cleaned, limit=limit) == cleaned
    assert "\n" not in names.clean_line(text, limit=limit)


@given(st.text())
def test_a_checker_returns_or_refuses(text: str) -> None:
    checkers = (names.checked_ctid, names.checked_host_name, names.checked_address)
    for check in (*checkers, names.checked_public_key, names.checked_file_name):
        with contextlib.suppress(BadValue):
            assert check(text)
