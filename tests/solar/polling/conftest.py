"""A poller that remembers nothing, a clock at noon and a Fronius on the wire. Imported before Django is set up: so late imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from solar.polling import Poller
    from tests.emulators.http_device import HttpLookalike
    from tests.solar.polling.polled import Clock


@pytest.fixture(autouse=True)
def _nothing_remembered(transactional_db: None) -> Iterator[None]:
    from energysite import device_reads, live
    from energysite.models import House
    from meters.counting import judge

    device_reads.forget()
    judge.forget()
    live.client().flushdb()
    House.objects.update_or_create(pk=1, defaults={"zone": "Europe/Brussels", "language": "en"})
    yield
    device_reads.forget()
    judge.forget()


@pytest.fixture
def poller(tmp_path: Path) -> Poller:
    from solar.fleet import Fleet
    from solar.polling import Poller

    return Poller(Fleet(tmp_path / "inverters.json"))


@pytest.fixture
def clock() -> Clock:
    from tests.solar.polling.polled import Clock

    return Clock()


@pytest.fixture
def device() -> Iterator[HttpLookalike]:
    from tests.emulators import fronius
    from tests.emulators.http_device import HttpLookalike

    with HttpLookalike(fronius.by_day()) as found:
        yield found


@pytest.fixture
def no_valkey(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Calling it makes this process look for Valkey where none is."""
    from energysite import live
    from tests.running_site import free_port

    def leave() -> None:
        settings.REDIS = f"redis://127.0.0.1:{free_port()}"
        monkeypatch.setattr(live, "_shared", None)
        live.client.cache_clear()

    yield leave
    live.client.cache_clear()
