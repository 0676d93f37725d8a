"""What the rules raise lasts as long as its cause: told once, and once at its end, however often a tick decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from control.rules.facts import Load
from energysite import notify
from energysite.models import Notice
from tests.control.rules.simulated import House

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 18, 12, 0, tzinfo=UTC)
BOILER = Load(1, "Boiler", kind="boiler", load_w=2000, rated_w=3000, mode="off")


def troubles(house: House) -> dict[str, notify.Trouble]:
    return {f"{alarm.load}:{alarm.code}": notify.Trouble(alarm.code, alarm.params, alarm.urgent) for alarm in house.alarms}


def test_rule_10_a_stuck_contact_is_one_notice_until_a_person_releases_it() -> None:
    house = House(BOILER)
    house.plugs[1].told = {"power_w": 1500, "read": 0.0}
    for tick in range(30):
        house.alarms.clear()
        house.step()
        notify.saw("control", troubles(house), NOW + timedelta(seconds=10 * tick))
    assert [(one.code, one.recovered) for one in Notice.objects.all()] == [("stuck", None)]

    house.plugs[1].told = {"power_w": 0, "read": 0.0}
    house.loads[1] = replace(BOILER, release=1)
    house.alarms.clear()
    house.step()
    notify.saw("control", troubles(house), NOW + timedelta(minutes=6))
    assert Notice.objects.get().recovered == NOW + timedelta(minutes=6)
