"""The sun over Brussels and what the panels make of it. Pure."""

import math
from dataclasses import dataclass

from energysite import sun

LATITUDE_DEG = 50.85
LONGITUDE_DEG = 4.35
NODE_S = 300  # the clear sky is computed every five minutes, straight lines between


def position(at: float) -> tuple[float, float]:
    """Elevation and azimuth (radians; azimuth from the south, west positive) at an epoch second."""
    return sun.position(at, LATITUDE_DEG, LONGITUDE_DEG)


def clear_sky(elevation: float) -> tuple[float, float]:
    """Direct light (normal to the sun) and diffuse light under a clear sky, W/m2, for the sun's elevation in radians.

    Direct light after Meinel (1.353 kW/m2 x 0.7 ^ airmass ^ 0.678), diffuse light a tenth of it from the whole sky.
    """
    height = math.sin(elevation)
    if height <= 0.01:
        return 0.0, 0.0
    airmass = 1 / (height + 0.50572 * (math.degrees(elevation) + 6.07995) ** -1.6364)
    direct = 1353 * 0.7 ** (airmass**0.678)
    return direct, 0.1 * direct * (0.3 + height)


@dataclass(frozen=True, slots=True)
class Panels:
    """An array on one roof and its inverter."""

    peak_w: float = 5200
    inverter_w: float = 5000
    slope_deg: float = 38
    azimuth_deg: float = 20  # from the south, west positive

    def clear_w(self, at: float, air_c: float) -> float:
        """AC power under a clear sky, W."""
        elevation, azimuth = position(at)
        direct, diffuse = clear_sky(elevation)
        if not direct:
            return 0.0
        slope, facing = math.radians(self.slope_deg), math.radians(self.azimuth_deg)
        incidence = math.sin(elevation) * math.cos(slope) + math.cos(elevation) * math.sin(slope) * math.cos(azimuth - facing)
        plane = direct * max(0.0, incidence) + diffuse
        cell_c = air_c + plane * 0.028
        return min(self.inverter_w, self.peak_w * plane / 1000 * (1 - 0.0038 * (cell_c - 25)) * 0.93)
