"""What a Fronius with one inverter answers, by path: for HttpLookalike."""

from typing import Any

from tests.emulators.http_device import Reply, as_json

FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
INVERTER = "/solar_api/v1/GetInverterRealtimeData.cgi"


def _good(data: dict[str, Any]) -> Reply:
    return as_json({"Head": {"Status": {"Code": 0}}, "Body": {"Data": data}})


def by_day(power_w: float = 3214.6, total_wh: int = 26_213_502) -> dict[str, Any]:
    site = {"P_PV": power_w, "P_Akku": None, "E_Day": 5120.0, "E_Total": total_wh}
    own = {"PAC": {"Value": power_w}, "TOTAL_ENERGY": {"Value": total_wh}, "DeviceStatus": {"StatusCode": 7, "ErrorCode": 0}}
    return {FLOW: _good({"Site": site, "Inverters": {"1": {"P": power_w}}}), INVERTER: _good(own)}
