"""One look at an inverter: the values in words, from the device or from live, and what is wrong said so that somebody can act."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from energysite import agents, live
from solar import check
from solar.models import Inverter
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike
from tests.running_site import free_port

pytestmark = pytest.mark.django_db
NOON, MIDNIGHT = datetime(2026, 6, 20, 11, tzinfo=UTC), datetime(2026, 6, 20, 23, tzinfo=UTC)


def inverter(address: str, **fields: Any) -> Inverter:
    return Inverter(**{"name": "Roof", "family": "fronius", "address": address, "period_s": 10, **fields})


@pytest.fixture(autouse=True)
def _live() -> Any:
    yield
    live.client().hdel(live.LAST, "Roof")


def seen(at: datetime, **values: Any) -> None:
    live.publisher().frame("Roof", {"source": "Roof", "kind": "inverter", "time": 1, "received": at.timestamp(), **values})


def test_a_fronius_by_day_tells_its_figures_and_what_it_sent() -> None:
    with HttpLookalike(fronius.by_day()) as device:
        found = check.look(inverter(device.address), NOON)
    assert (found.ok, found.live, found.error) == (True, False, "")
    assert found.facts == ("Solar now 3.215 kW", "today 5.120 kWh", "in all 26,213.502 kWh", "making power")
    assert found.took_ms is not None and found.took_ms < 5000
    assert "PAC" in found.heard and len(found.heard) <= 500


def test_an_inverter_read_less_than_a_period_ago_is_not_asked_again() -> None:
    seen(datetime.fromtimestamp(NOON.timestamp() - 4, UTC), condition="producing", power_w=420, total_wh=1_000_500)
    with HttpLookalike(fronius.by_day()) as device:
        found = check.look(inverter(device.address), NOON)
        assert device.asked == []
        assert check.look(inverter(device.address), NOON, live_ok=False).facts[0] == "Solar now 3.215 kW", "but it can be"
    assert (found.live, found.age_s, found.facts) == (True, 4.0, ("Solar now 0.420 kW", "in all 1,000.500 kWh", "making power"))


@pytest.mark.parametrize(("age_s", "kind"), [(10, "inverter"), (-1, "inverter"), (2, "balance")])
def test_a_frame_that_is_old_or_somebody_elses_is_no_answer(age_s: float, kind: str) -> None:
    seen(datetime.fromtimestamp(NOON.timestamp() - age_s, UTC), condition="producing", power_w=420, kind=kind)
    with HttpLookalike(fronius.by_day()) as device:
        assert not check.look(inverter(device.address), NOON).live


def test_no_answer_is_a_fault_by_day_and_sleep_at_night() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    day, night = check.look(inverter(address), NOON), check.look(inverter(address), MIDNIGHT)
    assert (day.ok, day.facts) == (False, ())
    assert "nothing listens on its port" in day.error
    assert (night.ok, night.facts) == (True, ())
    assert "the sun is down" in night.error and "nothing listens on its port" in night.error


def test_a_wrong_make_is_a_fault_at_night_too() -> None:
    with HttpLookalike() as device:
        found = check.look(inverter(device.address, family="homewizard"), MIDNIGHT)
    assert not found.ok
    assert "Check the make you chose" in found.error


def test_a_password_that_was_given_stands_in_no_look() -> None:
    with HttpLookalike({"/dyn/login.json": (401, b"no")}) as device:
        found = check.look(inverter(device.address, family="sma", password="hush-hush-7"), NOON)
    assert not found.ok
    assert "hush-hush-7" not in repr(found)


def test_a_device_that_trickles_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "DEADLINE_S", 0.3)
    with HttpLookalike(fronius.by_day()) as device:
        device.trickle_s = 0.02
        began = time.monotonic()
        found = check.look(inverter(device.address), NOON)
    assert time.monotonic() - began < 2
    assert "takes too long" in found.error


def test_all_inverters_that_are_switched_on_are_looked_at() -> None:
    with HttpLookalike(fronius.by_day()) as device:
        kinds: dict[str, dict[str, Any]] = {"Roof": {}, "Shed": {"address": f"http://127.0.0.1:{free_port()}"}, "Old": {"enabled": False}}
        for name, fields in kinds.items():
            agents.create(Inverter, **{"name": name, "family": "fronius", "address": device.address, "period_s": 10, **fields})
        found = {one.name: one.ok for one in check.check_all(NOON)}
    assert found == {"Roof": True, "Shed": False}
