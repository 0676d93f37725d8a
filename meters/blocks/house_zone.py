"""The zone that decides which local day a block belongs to: from the row itself, so that no day is made with an old one."""

from zoneinfo import ZoneInfo

from energysite.models import House


def house_zone() -> ZoneInfo:
    return ZoneInfo(House.objects.filter(pk=1).values_list("zone", flat=True).first() or House().zone)
