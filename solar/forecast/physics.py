"""Light on the roof and what the panels make of it, by pvlib: arrays in, arrays out. Only for the child process: 130 MB.

Forecasts are rows, their quarters of an hour columns; every quarter is computed at its middle. NaN is what is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

QUARTER_S = 900
ALBEDO = 0.2  # of what lies around a house
LOSSES = 0.10  # dirt, wiring, mismatch, age
GAMMA = -0.0038  # of the power for each degree of the cells above 25, common for silicon
WIND_M_S = 1.0  # at the modules: little, so that cells are as warm as on a roof
USUAL_C = 10.0  # where no temperature is told
LOWEST_SIN = 0.01  # of the sun's height: below it nothing is made of the little that is left

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sky:
    """The sun and a cloudless sky for quarters in order, from `first` (epoch) on: degrees, W/m2."""

    first: int
    zenith: Floats
    azimuth: Floats
    day_of_year: NDArray[np.int64]
    extra: Floats
    clear_global: Floats
    clear_direct: Floats
    clear_diffuse: Floats

    def at(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of the quarters that begin at these epoch seconds."""
        return (starts - self.first) // QUARTER_S

    def of(self, index: NDArray[np.int64]) -> Sky:
        return Sky(
            self.first,
            *(
                getattr(self, name)[index]
                for name in ("zenith", "azimuth", "day_of_year", "extra", "clear_global", "clear_direct", "clear_diffuse")
            ),
        )


@dataclass(frozen=True, slots=True)
class Light:
    """W/m2 on the level, normal to the sun, from the sky; degrees Celsius."""

    level: Floats
    direct: Floats
    diffuse: Floats
    air_c: Floats


def sky(first: int, last: int, latitude: float, longitude: float) -> Sky:
    """Of the quarters from `first` to `last`, both included. Clear sky after Ineichen and Perez, with the place's Linke turbidity."""
    middles = pd.to_datetime(np.arange(first, last + 1, QUARTER_S) + QUARTER_S // 2, unit="s", utc=True)
    sun = pvlib.solarposition.get_solarposition(middles, latitude, longitude)
    zenith = sun["apparent_zenith"].to_numpy()
    airmass = pvlib.atmosphere.get_absolute_airmass(pvlib.atmosphere.get_relative_airmass(zenith))
    turbidity = pvlib.clearsky.lookup_linke_turbidity(middles, latitude, longitude).to_numpy()
    extra = pvlib.irradiance.get_extra_radiation(middles).to_numpy()
    clear = pvlib.clearsky.ineichen(zenith, airmass, turbidity, dni_extra=extra)
    parts = [np.nan_to_num(np.asarray(clear[name], dtype=float)) for name in ("ghi", "dni", "dhi")]
    return Sky(first, zenith, sun["azimuth"].to_numpy(), middles.dayofyear.to_numpy().astype(np.int64), extra, *parts)


def under_clouds(here: Sky, cloud_pct: Floats, air_c: Floats) -> Light:
    """Where a service tells clouds and no light: global light after Kasten and Czeplak (1980), 1 - 0.75 n^3.4 of the clear sky's."""
    level = here.clear_global * (1 - 0.75 * np.clip(cloud_pct / 100, 0, 1) ** 3.4)
    return split(here, level, air_c)


def split(here: Sky, level: Floats, air_c: Floats) -> Light:
    """Global light as direct and diffuse, after Erbs."""
    parts = pvlib.irradiance.erbs(np.nan_to_num(level), here.zenith, here.day_of_year)
    known = np.isfinite(level)
    return Light(level, np.where(known, parts["dni"], np.nan), np.where(known, parts["dhi"], np.nan), air_c)


def clear(here: Sky, air_c: Floats) -> Light:
    return Light(here.clear_global, here.clear_direct, here.clear_diffuse, air_c)


def power(here: Sky, light: Light, planes: list[dict[str, Any]]) -> Floats:
    """W of all planes: light on each (Hay and Davies), reflected at its glass (ASHRAE), the cells' warmth (Faiman), the inverter's limit.

    `planes`: tilt_deg, azimuth_deg, peak_w, group (one inverter's planes have the same), limit_w (None: no limit).
    """
    up = np.cos(np.radians(here.zenith)) > LOWEST_SIN
    air_c = np.where(np.isfinite(light.air_c), light.air_c, USUAL_C)
    groups: dict[Any, tuple[Floats, float]] = {}
    for plane in planes:
        angle = pvlib.irradiance.aoi(plane["tilt_deg"], plane["azimuth_deg"], here.zenith, here.azimuth)
        parts = pvlib.irradiance.get_total_irradiance(
            plane["tilt_deg"],
            plane["azimuth_deg"],
            here.zenith,
            here.azimuth,
            light.direct,
            light.level,
            light.diffuse,
            dni_extra=here.extra,
            model="haydavies",
            albedo=ALBEDO,
        )
        through = np.nan_to_num(pvlib.iam.ashrae(angle))
        falling = parts["poa_direct"] * through + parts["poa_diffuse"]
        cells_c = pvlib.temperature.faiman(parts["poa_global"], air_c, WIND_M_S)
        made = pvlib.pvsystem.pvwatts_dc(falling, cells_c, plane["peak_w"], GAMMA) * (1 - LOSSES)
        before, limit = groups.get(plane["group"], (np.zeros_like(made), np.inf))
        groups[plane["group"]] = (before + np.maximum(made, 0), min(limit, plane["limit_w"] or np.inf))
    total = sum((np.minimum(made, limit) for made, limit in groups.values()), start=np.zeros(here.zenith.shape))
    return np.where(up, total, 0.0)
