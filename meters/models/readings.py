"""Readings: one table a kind, keyed by (source, time). Written in bulk by `meters.storage`, nothing points at them.

The columns of a kind stand in an abstract model, because suspicious readings lie in a table of the same shape.
"""

from django.db import models

from meters.models.devices import Source


class ElectricityColumns(models.Model):
    """One telegram or slot. Wh, W (net: import - export), dV, cA; `quarter_w` is the meter's own 1-0:1.4.0.

    Columns stand widest first: a row without nulls is 88 bytes.
    """

    CLOCK_CORRECTED = 1
    BY_HAND = 2  # typed in by a person
    IMPORTED = 4

    time = models.DateTimeField()
    import_t1_wh = models.IntegerField(null=True)
    import_t2_wh = models.IntegerField(null=True)
    export_t1_wh = models.IntegerField(null=True)
    export_t2_wh = models.IntegerField(null=True)
    power_w = models.IntegerField(null=True)
    l1_w = models.IntegerField(null=True)
    l2_w = models.IntegerField(null=True)
    l3_w = models.IntegerField(null=True)
    quarter_w = models.IntegerField(null=True)
    l1_dv = models.SmallIntegerField(null=True)
    l2_dv = models.SmallIntegerField(null=True)
    l3_dv = models.SmallIntegerField(null=True)
    l1_ca = models.SmallIntegerField(null=True)
    l2_ca = models.SmallIntegerField(null=True)
    l3_ca = models.SmallIntegerField(null=True)
    tariff = models.SmallIntegerField(null=True)
    flags = models.SmallIntegerField(default=0)

    class Meta:
        abstract = True


class VolumeColumns(models.Model):
    """A gas or water counter at the device's own time, in litres."""

    time = models.DateTimeField()
    volume_l = models.IntegerField()
    flags = models.SmallIntegerField(default=0)

    class Meta:
        abstract = True


class ProductionColumns(models.Model):
    """An inverter: W now, and its counter of all it ever made, Wh."""

    time = models.DateTimeField()
    total_wh = models.IntegerField(null=True)
    production_w = models.IntegerField(null=True)
    flags = models.SmallIntegerField(default=0)

    class Meta:
        abstract = True


class BatteryColumns(models.Model):
    """A battery: W now (positive: it gives), and its counters of what went in and came out, Wh."""

    time = models.DateTimeField()
    charge_wh = models.IntegerField(null=True)
    discharge_wh = models.IntegerField(null=True)
    battery_w = models.IntegerField(null=True)
    flags = models.SmallIntegerField(default=0)

    class Meta:
        abstract = True


class ElectricityReading(ElectricityColumns):  # noqa: DJ008 — rows are read in bulk, never shown one by one
    pk = models.CompositePrimaryKey("source_id", "time")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")


class VolumeReading(VolumeColumns):  # noqa: DJ008
    pk = models.CompositePrimaryKey("source_id", "time")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")


class ProductionReading(ProductionColumns):  # noqa: DJ008
    pk = models.CompositePrimaryKey("source_id", "time")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")


class BatteryReading(BatteryColumns):  # noqa: DJ008
    pk = models.CompositePrimaryKey("source_id", "time")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")


class AnalogReading(models.Model):  # noqa: DJ008
    """Thousandths of the source's unit."""

    pk = models.CompositePrimaryKey("source_id", "time")
    time = models.DateTimeField()
    value_milli = models.IntegerField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")
    flags = models.SmallIntegerField(default=0)
