"""Which make is at this address? Every make that can be told without a setting of its own is tried, all at once."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, override

from energysite.device_look import Look
from meters import addresses
from solar import check
from solar.models import Inverter
from solar.readers import families
from solar.readers.families import Family

MODBUS_PORT = 502


@dataclass(frozen=True, slots=True)
class Try:
    """`look`: what it says, None where a make was recognised that needs a setting first."""

    family: Family
    address: str
    look: Look | None

    @property
    def title(self) -> str:
        return str(self.family.title)


def address_for(family: Family, written: str) -> str:
    """What a person wrote, with the family's own scheme and port where there is none: 192.168.1.20 will do."""
    written = written.strip().rstrip("/")
    if "://" not in written and written:
        written = f"{family.schemes[0]}://{written}"
    found = addresses.host_and_port(written)
    if found is not None and found[1] is None and written.startswith("socket:"):
        written = f"{written}:{MODBUS_PORT}"
    return written


def find(written: str, now: datetime) -> tuple[Try | None, list[Try]]:
    """(what is there, what was tried in vain), within `check.DEADLINE_S`. A device that already tells its figures goes before one
    that was only recognised; else the order of `families.FAMILIES` decides."""
    wanted = list(candidates(written))
    if not wanted:
        return None, []
    language = get_language()
    with ThreadPoolExecutor(len(wanted), thread_name_prefix="find") as pool:
        tries = list(pool.map(lambda pair: _try(pair[0], pair[1], now, language), wanted))
    good = [one for one in tries if one is not None and (one.look is None or (one.look.ok and one.look.facts))]
    best = next((one for one in good if one.look is not None), good[0] if good else None)
    return best, [one for one in tries if one is not None and one not in good]


def candidates(written: str) -> Iterator[tuple[Family, str]]:
    """A scheme that was written rules out the makes that speak another. None for what is no address."""
    given = written.strip().partition("://")[0] if "://" in written else ""
    for family in families.FAMILIES:
        if family.needs and family.recognise is None:
            continue
        for scheme in family.schemes:
            if given in ("", scheme):
                address = address_for(family, written if given else f"{scheme}://{written.strip()}")
                if addresses.host_and_port(address) is not None:
                    yield family, address


def _try(family: Family, address: str, now: datetime, language: str | None) -> Try | None:
    """None where a make that needs a setting is not recognised."""
    if family.needs:
        assert family.recognise is not None
        return Try(family, address, None) if family.recognise(address, time.monotonic() + check.DEADLINE_S) else None
    device = Inverter(family=family.name, address=address, period_s=family.usual_period_s)
    with override(language):
        return Try(family, address, check.look(device, now, live_ok=False))
