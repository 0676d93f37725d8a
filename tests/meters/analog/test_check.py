"""Test and doctor of analog inputs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from energysite import agents, live
from meters.analog import check
from meters.models import AnalogInput
from tests.emulators.spi_bus import SpiLookalike

NOW = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def bus() -> Iterator[SpiLookalike]:
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {0: 300, 1: 1023}) as running:
        yield running


def unsaved(**fields: object) -> AnalogInput:
    return AnalogInput(**{"name": "Boiler", "device": "demo", "offset": 100, "factor": 0.25, "unit": "°C", **fields})


def test_a_look_tells_the_value_in_its_unit_and_the_raw_one(bus: SpiLookalike) -> None:
    found = check.look(unsaved())
    assert (found.ok, found.facts, found.error) == (True, ("50 °C", "raw value 300 of 1023"), "")
    assert found.heard == "MCP3008 demo, CH0: 300"
    assert found.took_ms is not None


def test_a_signal_at_its_end_may_be_a_wire_that_is_off(bus: SpiLookalike) -> None:
    found = check.look(unsaved(channel=1))
    assert found.ok
    assert "1023" in found.error


def test_a_chip_that_does_not_answer_is_told_in_words() -> None:
    found = check.look(unsaved(), live_ok=False)
    assert (found.ok, found.facts) == (False, ())
    assert "do not answer" in found.error


def test_what_was_read_less_than_a_period_ago_is_answered_from_live() -> None:
    """No chip answers here, so the figure can only be the frame's."""
    frame = {"source": "Boiler", "kind": "analog", "time": NOW.timestamp(), "received": NOW.timestamp(), "value": 61.2345, "unit": "°C"}
    live.publisher().frame("Boiler", frame)
    try:
        fresh = check.look(unsaved(period_s=10), now=NOW + timedelta(seconds=9))
        assert (fresh.ok, fresh.live, fresh.facts, round(fresh.age_s)) == (True, True, ("61.235 °C",), 9)
        assert not check.look(unsaved(period_s=10), now=NOW + timedelta(seconds=10)).ok
        assert not check.look(unsaved(period_s=10), live_ok=False, now=NOW).ok
    finally:
        live.client().hdel(live.LAST, "Boiler")


@pytest.mark.django_db(transaction=True)
def test_doctor_looks_at_each_enabled_input_and_one_fault_stops_no_other(bus: SpiLookalike) -> None:
    agents.create(AnalogInput, name="Boiler", device="demo", period_s=10)
    agents.create(AnalogInput, name="Nowhere", device="9.9", period_s=10)
    agents.create(AnalogInput, name="Off", device="demo", period_s=10, enabled=False)
    assert {look.name: look.ok for look in check.check_all(NOW)} == {"Boiler": True, "Nowhere": False}
