"""A HomeWizard kWh meter in the inverter's circuit."""

from typing import Any

import pytest

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition
from solar.readers import homewizard
from solar.readers.homewizard import HomeWizardKwh
from tests.emulators.http_device import HttpLookalike, as_json
from tests.solar.readers.asking import read, recorded


def test_as_recorded_it_counts_what_it_exports() -> None:
    found = homewizard.production(recorded("homewizard-kwh1-data.json"))
    assert (found.power_w, found.total_wh, found.condition) == (45, 579_813, Condition.PRODUCING)


def test_what_the_inverter_takes_at_night_is_no_production() -> None:
    with HttpLookalike({"/api/v1/data": as_json({"active_power_w": 4.2, "total_power_export_kwh": 1.5})}) as device:
        reader = HomeWizardKwh(device.address)
        found = read(reader)
    assert (found.power_w, found.total_wh, found.condition) == (0, 1500, Condition.STANDBY)
    assert reader.heard.startswith('{"active_power_w"')


def test_older_firmware_tells_energy_by_tariff() -> None:
    found = homewizard.production({"active_power_w": -1, "total_power_export_t1_kwh": 1.001, "total_power_export_t2_kwh": 2})
    assert found.total_wh == 3001


def test_a_socket_as_recorded_counts_too() -> None:
    assert homewizard.production(recorded("homewizard-socket-data.json")).total_wh == 2_948_827


def test_the_grid_meter_is_refused_as_an_inverter() -> None:
    with pytest.raises(DeviceConfigError, match="Add it as a meter"):
        homewizard.production(recorded("homewizard-p1-data.json"))


def test_the_grid_meter_is_known_by_what_only_it_tells() -> None:
    with pytest.raises(DeviceConfigError, match="Add it as a meter"):
        homewizard.production({"smr_version": 50, "active_power_w": -543, "total_power_export_kwh": 0})


@pytest.mark.parametrize("data", [{}, [], None, {"active_power_w": None}])
def test_missing_fields_are_told(data: Any) -> None:
    with pytest.raises(BadReading, match="no power and no energy"):
        homewizard.production(data)


def test_power_alone_leaves_the_energy_unknown() -> None:
    found = homewizard.production({"active_power_w": -200})
    assert (found.power_w, found.total_wh) == (200, None)


@pytest.mark.parametrize("value", ["5", True, float("nan"), 10**400])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(BadReading, match="no number"):
        homewizard.production({"active_power_w": value})


def test_a_closed_local_interface_says_where_it_is_opened() -> None:
    with HttpLookalike({"/api/v1/data": (403, b"")}) as device, pytest.raises(DeviceUnavailable, match="HomeWizard app"):
        read(HomeWizardKwh(device.address))
