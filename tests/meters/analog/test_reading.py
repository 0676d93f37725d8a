"""A run of an analog input: kept, shown, told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from energysite import agent_states, agents, database, device_reads, live
from energysite.database import DatabaseAway
from meters import manager_runs, tasks
from meters.analog import reading
from meters.models import AnalogInput, AnalogReading, Block
from tests import database_away
from tests.emulators.spi_bus import SpiLookalike
from tests.waiting import until

NOW = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bus() -> Iterator[SpiLookalike]:
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {0: 300}) as running:
        yield running


@pytest.fixture
def boiler() -> Iterator[AnalogInput]:
    device_reads.forget()
    yield agents.create(AnalogInput, name="Boiler", device="demo", period_s=10, offset=100, factor=0.25, unit="°C")
    AnalogInput.objects.all().delete()


def state(name: str = "Boiler") -> dict[str, Any]:
    return agent_states.read(live.client(), name)


def test_a_run_keeps_shows_and_tells_the_value(bus: SpiLookalike, boiler: AnalogInput) -> None:
    reading.read(boiler.pk, lambda: NOW)
    assert list(AnalogReading.objects.values_list("source", "time", "value_milli")) == [(boiler.source_id, NOW, 50_000)]
    at = NOW.timestamp()
    shown = {"source": "Boiler", "kind": "analog", "time": at, "received": at, "period_s": 10, "value": 50.0, "unit": "°C"}
    assert live.last_frames()["Boiler"] == shown
    told = state()
    assert (told["status"], told["error"], told["last_success"], told["value"], told["failures"]) == ("ok", None, at, 50.0, 0)
    assert told["response_ms"] >= 0


def test_a_run_that_fails_keeps_nothing_and_says_why_until_it_works_again(boiler: AnalogInput) -> None:
    for _again in range(2):
        reading.read(boiler.pk, lambda: NOW)
    told = state()
    assert (told["status"], told["failures"]) == ("error", 2)
    assert "do not answer" in told["error"]
    assert not AnalogReading.objects.exists()
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {0: 300}):
        reading.read(boiler.pk, lambda: NOW)
    assert (state()["status"], state()["error"], state()["failures"]) == ("ok", None, 0)


def test_an_input_that_is_switched_off_or_gone_is_left_alone(bus: SpiLookalike, boiler: AnalogInput) -> None:
    boiler.enabled = False
    boiler.save()
    tasks.read_analog(boiler.pk)
    tasks.read_analog(32_000)
    assert not bus.asked


def test_a_machine_without_a_bus_is_not_asked_again_at_each_period(boiler: AnalogInput) -> None:
    boiler.device = "9.9"
    boiler.save()
    for _again in range(3):
        reading.read(boiler.pk, lambda: NOW)
    told = state()
    assert told["failures"] == 1
    assert "raspi-config" in told["error"]


def test_a_quarter_holds_the_mean_of_its_values(bus: SpiLookalike, boiler: AnalogInput) -> None:
    for step in range(92):
        bus.values[0] = 100 + 40 * (step % 2) if step <= 90 else 1023
        reading.read(boiler.pk, lambda at=NOW + timedelta(seconds=10 * step): at)  # type: ignore[misc]
    manager = boiler.source.managers.get(length_s=900)
    manager_runs.run(manager.pk, lambda: NOW + timedelta(minutes=30))
    block = Block.objects.get(source=boiler.source, length_s=900, start=NOW)
    assert (block.min1, block.max1) == (0, 10_000)
    assert block.mean1 == pytest.approx(5_000, abs=60)
    assert block.covered_s == 900


def test_a_value_that_is_read_while_the_database_is_away_is_stored_when_it_is_back(bus: SpiLookalike, boiler: AnalogInput) -> None:
    reading.read(boiler.pk, lambda: NOW)
    with database_away.switch() as toggle:
        toggle()
        reading.read(boiler.pk, lambda: NOW + timedelta(seconds=10))
        assert live.last_frames()["Boiler"]["time"] == NOW.timestamp() + 10
        toggle()
        until(lambda: not database.known_away(), message="the database is known to be back")
        bus.values[0] = 301
        reading.read(boiler.pk, lambda: NOW + timedelta(seconds=20))
    assert list(AnalogReading.objects.order_by("time").values_list("value_milli", flat=True)) == [50_000, 50_000, 50_250]


def test_settings_that_were_never_read_wait_for_the_database(boiler: AnalogInput) -> None:
    with database_away.switch() as toggle:
        toggle()
        with pytest.raises(DatabaseAway):
            reading.read(boiler.pk + 1, lambda: NOW)
