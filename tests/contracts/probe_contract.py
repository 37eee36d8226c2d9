"""What every probe keeps to: a refusal and a silence are answers, and silence costs no more than the time-out."""

from __future__ import annotations

from migrations_app.ports.probe import Probe, Service
from migrations_app.vz import ops
from tests.contracts.stage import Stage


class ProbeContract:
    """Mixed into a test class whose fixtures ``stage`` and ``probe`` look at the same network."""

    def test_it_finds_a_service_that_listens(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        result = probe.connect(guest.address, 80, timeout_seconds=2)
        assert result.answers
        assert result.detail == ""
        assert result.seconds < 2

    def test_it_reports_a_refusal(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        result = probe.connect(guest.address, 81, timeout_seconds=2)
        assert (result.answers, result.detail) == (False, "Connection refused")

    def test_it_reports_the_silence_of_a_frozen_address(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        stage.done(stage.source, guest.ctid, ops.Freeze(addresses=(guest.address,)))
        result = probe.connect(guest.address, 80, timeout_seconds=1)
        assert (result.answers, result.detail) == (False, "no answer within 1 s")
        stage.done(stage.source, guest.ctid, ops.Unfreeze(addresses=(guest.address,)))
        assert probe.connect(guest.address, 80, timeout_seconds=2).answers

    def test_it_reports_the_silence_of_nobody(self, stage: Stage, probe: Probe) -> None:
        result = probe.connect("192.0.2.250", 80, timeout_seconds=1)
        assert (result.answers, result.detail) == (False, "no answer within 1 s")
        assert result.seconds < 2

    def test_it_looks_at_pages_by_each_name(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        service = Service(address=guest.address, port=80, names=("one.example", "two.example"))
        (seen,) = probe.look([service], timeout_seconds=2)
        assert (seen.answers, seen.detail, seen.kind) == (True, "", "http")
        assert [(face.name, face.status) for face in seen.faces] == [("one.example", 200), ("two.example", 200)]

    def test_it_looks_at_several_at_once_in_their_order(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        places = [("192.0.2.250", 80), (guest.address, 81), (guest.address, 80)]
        looks = probe.look([Service(address=address, port=port) for address, port in places], timeout_seconds=1)
        assert [(look.answers, look.detail) for look in looks] == [
            (False, "no answer within 1 s"),
            (False, "Connection refused"),
            (True, ""),
        ]

    def test_it_looks_in_vain_while_an_address_is_frozen(self, stage: Stage, probe: Probe) -> None:
        guest = stage.guest()
        stage.done(stage.source, guest.ctid, ops.Freeze(addresses=(guest.address,)))
        (seen,) = probe.look([Service(address=guest.address, port=80)], timeout_seconds=1)
        assert (seen.answers, seen.detail, seen.faces) == (False, "no answer within 1 s", ())
        stage.done(stage.source, guest.ctid, ops.Unfreeze(addresses=(guest.address,)))
