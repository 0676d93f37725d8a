"""Fronius by its Solar API: by day, at night, with a battery, several, in trouble, and as recorded."""

from typing import Any

import pytest

from energysite.device_reads import unreachable
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition
from solar.readers import fronius
from solar.readers.fronius import Fronius
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.solar.readers.asking import read, recorded

FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
INVERTER = "/solar_api/v1/GetInverterRealtimeData.cgi"


def answer(data: dict[str, Any], code: int = 0, reason: str = "") -> Reply:
    return as_json({"Head": {"Status": {"Code": code, "Reason": reason}}, "Body": {"Data": data}})


def site(**values: Any) -> dict[str, Any]:
    return {"P_PV": None, "P_Akku": None, "E_Day": None, "E_Total": 1000.4, **values}


def flow(inverters: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    return {"Site": site(**values), "Inverters": {"1": {"P": values.get("P_PV")}} if inverters is None else inverters}


def inverter(status: int | None = 7, error: int = 0, **values: Any) -> dict[str, Any]:
    given: dict[str, Any] = {name: {"Value": value, "Unit": ""} for name, value in values.items()}
    return given if status is None else {**given, "DeviceStatus": {"StatusCode": status, "ErrorCode": error}}


def device(flow: Reply, inverter: Reply) -> HttpLookalike:
    return HttpLookalike({FLOW: flow, INVERTER: inverter})


def test_by_day_it_tells_power_and_energy_of_its_ac_side() -> None:
    with device(answer(flow(P_PV=3300.6, E_Day=5120.0)), answer(inverter(PAC=3214.6, TOTAL_ENERGY=26_213_502))) as asked:
        reader = Fronius(asked.address)
        found = read(reader)
    assert (found.power_w, found.condition, found.day_wh, found.total_wh) == (3215, Condition.PRODUCING, 5120, 26_213_502)
    assert not found.has_battery
    assert "TOTAL_ENERGY" in reader.heard


def test_at_night_as_recorded_it_makes_nothing_and_is_no_fault() -> None:
    flows, inverters = recorded("fronius-power-flow-night.json"), recorded("fronius-common-inverter-data-night.json")
    found = fronius.production(fronius.data_of(flows), {"1": fronius.data_of(inverters)})
    assert (found.power_w, found.condition, found.total_wh, found.code) == (0, Condition.ASLEEP, 26_213_502, "")


def test_a_negative_power_at_night_is_no_production() -> None:
    found = fronius.production(flow(P_PV=None), {"1": inverter(status=3, PAC=-4.0, TOTAL_ENERGY=5)})
    assert (found.power_w, found.condition) == (0, Condition.ASLEEP)


def test_a_gen24_without_day_energy_has_none_instead_of_zero() -> None:
    found = fronius.production(flow(P_PV=10.0), {"1": inverter(PAC=10, DAY_ENERGY=None, TOTAL_ENERGY=77.28)})
    assert (found.power_w, found.day_wh, found.total_wh) == (10, None, 77)


def test_a_gen24_without_a_battery_has_none_though_it_tells_a_charge() -> None:
    inverters = {"1": {"P": 0.0, "SOC": 0.0, "Battery_Mode": "disabled"}}
    found = fronius.production(flow(inverters, P_PV=0.0), {"1": inverter(PAC=0.0, TOTAL_ENERGY=9)})
    assert (found.has_battery, found.power_w, found.total_wh, found.condition) == (False, 0, 9, Condition.STANDBY)


def test_a_running_inverter_that_tells_no_power_is_unknown() -> None:
    assert fronius.production(flow({"1": {"DT": 1}}), {"1": inverter(status=7, TOTAL_ENERGY=9)}).power_w is None


def hybrid(**values: Any) -> dict[str, Any]:
    return flow({"1": {"P": 3000.0, "SOC": 55.5, "Battery_Mode": "normal"}}, **values)


def test_beside_a_battery_only_the_panels_power_is_the_sun_s() -> None:
    """PAC and every counter hold what the battery gave as well."""
    found = fronius.production(hybrid(P_PV=3450.2, P_Akku=-250.2, E_Day=9.0), {"1": inverter(PAC=3000, TOTAL_ENERGY=26_213_502)})
    assert (found.power_w, found.day_wh, found.total_wh) == (3450, None, None)
    assert (found.battery_w, found.battery_pct) == (-250, 55.5)
    assert [(unit.power_w, unit.total_wh) for unit in found.units] == [(3450, None)]


def test_a_battery_that_gives_at_night_is_no_sun() -> None:
    found = fronius.production(hybrid(P_PV=None, P_Akku=640.0), {"1": inverter(PAC=600, TOTAL_ENERGY=5)})
    assert (found.power_w, found.battery_w) == (0, 640)


def test_a_battery_at_rest_gives_nothing_and_is_still_there() -> None:
    inverters = {"1": {"P": 0, "SOC": 4.2, "Battery_Mode": "suspended"}}
    found = fronius.production(flow(inverters), {"1": inverter(status=3, TOTAL_ENERGY=5)})
    assert (found.battery_w, found.battery_pct) == (0, 4.2)


def test_a_charge_that_cannot_be_is_unknown() -> None:
    inverters = {"1": {"P": 0, "SOC": 25_500, "Battery_Mode": "normal"}}
    found = fronius.production(flow(inverters, P_Akku=10.0), {"1": inverter(PAC=0)})
    assert (found.battery_w, found.battery_pct) == (10, None)


TWO = {"1": {"P": 2000.0}, "2": {"P": 1000.0}}


def test_several_inverters_are_summed_and_told_one_by_one() -> None:
    found = fronius.production(
        flow(TWO, P_PV=3100.0, E_Day=5.0), {"1": inverter(PAC=2000, TOTAL_ENERGY=10), "2": inverter(PAC=1000, TOTAL_ENERGY=20)}
    )
    assert (found.power_w, found.total_wh, found.day_wh) == (3000, 30, 5)
    assert [(unit.name, unit.power_w, unit.total_wh) for unit in found.units] == [("1", 2000, 10), ("2", 1000, 20)]


def test_a_part_of_the_inverters_has_no_part_of_the_site_s_energy() -> None:
    found = fronius.production(flow(TWO, P_PV=3100.0, E_Day=5.0), {"2": inverter(PAC=1000)})
    assert (found.power_w, found.total_wh, found.day_wh) == (1000, None, None)


def test_one_that_sleeps_before_the_others_makes_nothing() -> None:
    found = fronius.production(flow({"1": {"P": 40.0}, "2": {"P": None}}), {"1": inverter(PAC=40, TOTAL_ENERGY=10), "2": None})
    assert (found.power_w, found.total_wh, found.condition) == (40, None, Condition.PRODUCING)


def test_one_that_is_not_reached_by_day_is_told_and_half_a_roof_is_no_cloud() -> None:
    with pytest.raises(DeviceUnavailable, match="does not reach its inverter 2"):
        fronius.production(flow({"1": {"P": 2000.0}, "2": {"P": None}}), {"1": inverter(PAC=2000, TOTAL_ENERGY=10), "2": None})


@pytest.mark.parametrize("code", [5, 8, 12])
def test_a_logger_whose_inverter_sleeps_counts_as_one_that_does_not_answer(code: int) -> None:
    with device(answer(flow()), answer({}, code, "LNRequestTimeout")) as asked, pytest.raises(DeviceUnavailable) as told:
        read(Fronius(asked.address))
    assert unreachable(told.value), "between dusk and dawn it is asleep"


def test_a_logger_that_names_no_inverter_counts_as_one_that_does_not_answer() -> None:
    with device(answer(flow({})), answer({})) as asked, pytest.raises(DeviceUnavailable, match="names no inverter") as told:
        read(Fronius(asked.address))
    assert unreachable(told.value)


@pytest.mark.parametrize("code", [6, 12])
def test_a_wrong_unit_is_told(code: int) -> None:
    with device(answer(flow(P_PV=9.0)), answer({}, code)) as asked, pytest.raises(DeviceConfigError, match="no inverter 7"):
        read(Fronius(asked.address, (7,)))


def test_a_status_other_than_zero_is_no_zero_watts() -> None:
    refused = answer({}, code=8, reason="LNRequestTimeout")
    with device(refused, refused) as asked, pytest.raises(BadReading, match=r"status 8\. LNRequestTimeout"):
        read(Fronius(asked.address))


def test_in_trouble_it_tells_its_code() -> None:
    found = fronius.production(flow(TWO, P_PV=2000.0), {"1": inverter(PAC=2000), "2": inverter(status=10, error=301)})
    assert (found.condition, found.code) == (Condition.FAULT, "301")


@pytest.mark.parametrize(
    ("status", "condition"), [(0, "asleep"), (6, "asleep"), (7, "standby"), (8, "standby"), (9, "asleep"), (None, "standby")]
)
def test_its_state_without_power_in_words(status: int | None, condition: str) -> None:
    assert fronius.production(flow(), {"1": inverter(status=status, PAC=0.0)}).condition == condition


@pytest.mark.parametrize(
    "data",
    [
        answer({"Inverters": {"1": {}}}),
        answer({"Site": None, "Inverters": {"1": {}}}),
        as_json({"Head": {"Status": {"Code": 0}}, "Body": {"Data": []}}),
        as_json({"Head": {"Status": {"Code": False}}, "Body": {"Data": {}}}),
        as_json([]),
    ],
)
def test_missing_fields_are_told(data: Reply) -> None:
    with device(data, answer(inverter(PAC=1))) as asked, pytest.raises(BadReading, match="The Fronius answers with"):
        read(Fronius(asked.address))


@pytest.mark.parametrize("field", ["P_PV", "P_Akku", "E_Total"])
@pytest.mark.parametrize("value", ["nan", True, {}, 1e300])
def test_what_is_no_number_is_refused(field: str, value: Any) -> None:
    told: dict[str, Any] = {field: float("nan") if value == "nan" else value}
    with pytest.raises(BadReading, match="no number"):
        fronius.production(flow(**told), {"1": inverter()})
