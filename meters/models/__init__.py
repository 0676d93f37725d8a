"""Everything measured, one module a matter."""

from meters.models.blocks import Block, DataManager, Dirty, MeterPeak
from meters.models.devices import Meter, Source, UndecodableTelegram
from meters.models.readings import AnalogReading, ElectricityReading, ProductionReading, VolumeReading
from meters.models.trust import (
    Correction,
    CounterCycle,
    CounterState,
    RejectEpisode,
    SuspectElectricity,
    SuspectProduction,
    SuspectVolume,
)

__all__ = [
    "AnalogReading",
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
    "SuspectElectricity",
    "SuspectProduction",
    "SuspectVolume",
    "UndecodableTelegram",
    "VolumeReading",
]
