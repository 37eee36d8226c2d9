from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.vz import rsync
from migrations_app.vz.rsync import NotIdentical
from tests.vz.captures import log


def certificate(output: str, *, exit_code: int = 0, output_bytes: int | None = None) -> rsync.Certificate:
    size = len(output.encode()) if output_bytes is None else output_bytes
    return rsync.empty_certificate(output, output_bytes=size, exit_code=exit_code, seconds=0.25)


# statistics


def test_statistics_of_a_pass() -> None:
    stats = rsync.read_stats(log("rsync_first"))
    assert (stats.files, stats.files_transferred) == (8, 5)
    assert (stats.bytes_of_files, stats.bytes_sent, stats.bytes_received) == (1_500_002, 1_500_761, 125)


def test_old_rsync_says_files_transferred() -> None:
    assert rsync.read_stats("Number of files: 12\nNumber of files transferred: 3\n").files_transferred == 3


def test_figures_that_were_not_printed_are_unknown() -> None:
    stats = rsync.read_stats("nothing of the kind")
    assert {stats.files, stats.files_transferred, stats.bytes_of_files, stats.bytes_sent, stats.bytes_received} == {
        None
    }


# differences and the certificate


def test_every_kind_of_difference_is_seen() -> None:
    assert [str(difference) for difference in rsync.read_differences(log("rsync_verify_differs"))] == [
        r"*deleting gone \#012\#033x",
        "cLc........ l -> f2",
        ">f+++++++++ new one",
        "cS+++++++++ pipe",
        ">f.s....... d/f1",
        ".f...p..... d/f2",
        "hf+++++++++ hard => d/f3",
        "cd+++++++++ nd/",
    ]


def test_a_flood_of_differences_is_bounded() -> None:
    assert len(rsync.read_differences(">f+++++++++ a\n" * 100_000)) == 200


@pytest.mark.parametrize("name", ["rsync_verify_stats", "rsync_verify_silent"])
def test_a_run_without_differences_is_certified(name: str) -> None:
    assert certificate(log(name)).seconds == 0.25


def test_a_certificate_says_what_was_compared() -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    assert certificate(log("rsync_verify_stats")).as_evidence(at) == {
        "files_compared": 8,
        "differences": 0,
        "bytes": 1_500_002,
        "seconds": 0.25,
        "at": "2025-01-01T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    "line",
    [
        "sending incremental file list",
        "  0   0%    0.00kB/s    0:00:00 (xfr#0, to-chk=0/8)",
        "    123,456,789  45%   12.34MB/s    1:02:03",
        "  1  100%  7.00B/s  0:00:01 (xfr#1, ir-chk=1000/1003)",
    ],
)
def test_a_listed_header_or_progress_is_no_difference(line: str) -> None:
    assert certificate(f"{line}\n")


def test_one_difference_is_enough() -> None:
    with pytest.raises(NotIdentical, match="8 or more files differ") as refusal:
        certificate(log("rsync_verify_differs"))
    assert len(refusal.value.differences) == 8
    assert "new one" in str(refusal.value)


@pytest.mark.parametrize("exit_code", [23, 24, 12, 255, 99])
def test_a_failed_run_certifies_nothing(exit_code: int) -> None:
    with pytest.raises(NotIdentical, match=f"ended with {exit_code}"):
        certificate("", exit_code=exit_code)


def test_output_that_was_not_seen_certifies_nothing() -> None:
    with pytest.raises(NotIdentical, match="only the end of 20000 bytes"):
        certificate(log("rsync_verify_stats"), output_bytes=20_000)


@pytest.mark.parametrize(
    "line",
    [
        "cannot delete non-empty directory: d",
        "skipping non-regular file x",
        "IO error encountered -- skipping file deletion",
        "Total strangers",
        ">fresh kind of line",
        "Number of files: 8 \xff",
    ],
)
def test_a_line_that_is_not_understood_certifies_nothing(line: str) -> None:
    with pytest.raises(NotIdentical, match="not understood"):
        certificate(f"{line}\n")


@given(st.text(), st.integers(0, 10**6), st.integers(0, 255), st.floats(0, 1e6))
def test_whatever_was_printed_it_certifies_or_refuses(text: str, size: int, exit_code: int, seconds: float) -> None:
    rsync.read_stats(text)
    try:
        rsync.empty_certificate(text, output_bytes=size, exit_code=exit_code, seconds=seconds)
    except NotIdentical:
        return
    assert exit_code == 0
    assert rsync.read_differences(text) == ()


@given(st.sampled_from([">f+++++++++", "*deleting  ", ".d..t......", "cLc........"]), st.text("ab/ .", min_size=1))
def test_no_difference_hides_among_statistics(change: str, path: str) -> None:
    with pytest.raises(NotIdentical):
        certificate(f"{change} {path}\n{log('rsync_verify_stats')}")


# exit codes


def test_vanished_files_are_fine_only_while_the_container_runs() -> None:
    assert rsync.verdict(24).ok
    assert rsync.verdict(24, frozen=True).kind == "fix"


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [(0, "ok"), (1, "panel"), (11, "fix"), (23, "fix"), (12, "retry"), (255, "retry"), (99, "retry")],
)
def test_an_exit_code_has_a_verdict(exit_code: int, kind: str) -> None:
    verdict = rsync.verdict(exit_code)
    assert (verdict.kind, verdict.ok) == (kind, kind == "ok")
    assert verdict.sentence
