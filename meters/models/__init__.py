"""Everything measured, one module a matter."""

from meters.models.analog import AnalogInput
from meters.models.blocks import Block, DataManager, Dirty, MeterPeak
from meters.models.devices import Meter, Source, UndecodableTelegram
from meters.models.readings import AnalogReading, BatteryReading, ElectricityReading, ProductionReading, VolumeReading
from meters.models.trust import (
    Correction,
    CounterCycle,
    CounterState,
    RejectEpisode,
    SuspectBattery,
    SuspectElectricity,
    SuspectProduction,
    SuspectVolume,
)

__all__ = [
    "AnalogInput",
    "AnalogReading",
    "BatteryReading",
    "Block",
    "Correction",
    "CounterCycle",
    "CounterState",
    "DataManager",
    "Dirty",
    "ElectricityReading",
    "Meter",
    "MeterPeak",
    "ProductionReading",
    "RejectEpisode",
    "Source",
    "SuspectBattery",
    "SuspectElectricity",
    "SuspectProduction",
    "SuspectVolume",
    "UndecodableTelegram",
    "VolumeReading",
]
