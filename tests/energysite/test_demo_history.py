"""The demo house's past in the database: the rows its telegrams would have become."""

import threading
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection

from energysite.demo.calendar import ZONE, midnight
from energysite.demo.model import House
from energysite.demo.telegram import telegram
from energysite.management.commands import _demo_history as history
from energysite.management.commands._demo_rows import rows
from energysite.models import House as HouseRow
from energysite.timegrid import Span
from meters import ingest, storage
from meters.kinds import ELECTRICITY
from meters.models import Block, ElectricityReading, Meter, Source, VolumeReading
from meters.totals import totals
from tests.dashboard.energy.house import condensed
from tests.energysite import demo

pytestmark = pytest.mark.slow

REGISTERS = ELECTRICITY.registers
NOW = midnight(date(2026, 3, 30)) + 15 * 3600 + 4


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


@pytest.fixture
def meter(db) -> Meter:
    address = settings.MODE_DIR / "pty" / "demo"
    return history.register(str(address))


def past(house: House, meter: Meter, days: int, now: int = NOW, stop: threading.Event | None = None, **more: Any) -> history.History:
    return history.History(house, meter, days, stop or threading.Event(), lambda line: None, now, **more)


def seconds(model=ElectricityReading, **filters) -> list[int]:
    return [int(time.timestamp()) for time in model.objects.filter(**filters).order_by("time").values_list("time", flat=True)]


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def readings_of(source: Source, day: date) -> int:
    """In (its midnight, the next one]: how many stand for a part of that day."""
    start, end = midnight(day), midnight(date.fromordinal(day.toordinal() + 1))
    return ElectricityReading.objects.filter(source=source, time__gt=_at(start), time__lte=_at(end)).count()


def test_the_meter_is_registered_once_and_follows_its_data_folder(meter: Meter) -> None:
    assert history.register(meter.connection) == meter
    moved = history.register(str(settings.MODE_DIR / "pty" / "elsewhere"))
    assert moved.pk == meter.pk
    assert moved.version == meter.version + 1
    assert Meter.objects.count() == 1
    row = HouseRow.load()
    assert (row.grid, row.fuse_a) == (HouseRow.Grid.THREE_STAR, 25)


def test_a_house_that_a_person_named_keeps_its_settings(db) -> None:
    HouseRow.objects.create(pk=1, name="Ours", grid=HouseRow.Grid.THREE_DELTA)
    history.register(str(settings.MODE_DIR / "pty" / "demo"))
    assert (HouseRow.load().name, HouseRow.load().grid) == ("Ours", HouseRow.Grid.THREE_DELTA)


def test_history_rows_are_what_the_live_telegrams_become(house: House, meter: Meter) -> None:
    """Two days, one of them of 23 hours; compared with what the reader's own path makes of the same seconds' telegrams."""
    past(house, meter, 2).fill(NOW)
    start = midnight(date(2026, 3, 28))
    electricity = Source.objects.get(meter=meter, medium="electricity")
    assert seconds(source=electricity) == list(range(start, NOW + 1, 10))
    volumes = Source.objects.filter(meter=meter, kind="volume")
    assert sorted(volumes.values_list("medium", flat=True)) == ["gas", "water"]
    for source in volumes:
        assert seconds(VolumeReading, source=source) == list(range(start, NOW + 1, 300))

    sampled = list(range(start, NOW, 2970))
    stamps = [datetime.fromtimestamp(at, UTC) for at in sampled]
    reports = [datetime.fromtimestamp(at - at % 300, UTC) for at in sampled]

    def stored() -> list[Any]:
        power = ElectricityReading.objects.filter(time__in=stamps).order_by("time").values()
        return [*power, *VolumeReading.objects.filter(time__in=reports).order_by("time", "source_id").values()]

    written = stored()
    assert len(written) == 3 * len(sampled) > 100
    ElectricityReading.objects.filter(time__in=stamps).delete()
    VolumeReading.objects.filter(time__in=reports).delete()
    counts = ingest.bulk(meter, b"".join(telegram(house, at) for at in sampled))
    assert (counts["rejected"], counts["new"]) == (0, len(written))
    assert stored() == written


def test_writing_it_again_adds_nothing_and_only_gaps_are_filled(house: House, meter: Meter) -> None:
    first = past(house, meter, 1)
    assert first.fill(NOW) > 0
    assert past(house, meter, 1).fill(NOW) == 0
    electricity = Source.objects.get(meter=meter, medium="electricity")
    hole = datetime.fromtimestamp(NOW - 7200, UTC), datetime.fromtimestamp(NOW - 3600, UTC)
    lost, _ = ElectricityReading.objects.filter(source=electricity, time__range=hole).delete()
    assert lost == 360
    marked = ElectricityReading.objects.filter(source=electricity, time__lt=hole[0])
    marked.update(flags=1)
    assert past(house, meter, 1).fill(NOW) == 360
    assert marked.filter(flags=1).count() == marked.count(), "what was there stays as it was"


def test_history_and_live_join_without_a_gap(house: House, meter: Meter) -> None:
    """The reader starts 95 s after the command and stores a telegram a second."""
    past(house, meter, 1).fill(NOW)
    source = Source.objects.get(meter=meter, medium="electricity")
    storage.write("electricity", list(rows(house, "electricity", source.pk, range(NOW + 95, NOW + 125))))
    past(house, meter, 1).join_live(NOW)
    told = seconds(source=source)
    steps = {b - a for a, b in pairwise(told)}
    assert max(steps) <= 10
    assert told[-1] == NOW + 124
    assert told[-30:] == list(range(NOW + 95, NOW + 125)), "nothing was added among live readings"


def year(house: House, meter: Meter, now: int) -> history.History:
    """A past like the demo's own, but with one fine day instead of fourteen."""
    return past(house, meter, 400, now, fine_days=1)


def test_a_year_is_told_by_quarters_and_its_counters_are_the_models_to_the_unit(house: House, meter: Meter) -> None:
    """Both change days are in it: 100 quarters in October, 92 in March. Nothing is further apart than a quarter."""
    now = midnight(date(2026, 3, 30)) + 600
    assert year(House(house.ledger, history.KEPT_DAYS), meter, now).fill(now) > 3 * 400 * 96
    first = date(2025, 2, 1)  # 400 days before lie in that month
    electricity = Source.objects.get(meter=meter, medium="electricity")
    assert {b - a for a, b in pairwise(seconds(source=electricity, time__lte=_at(midnight(date(2026, 3, 29)))))} == {900}
    assert readings_of(electricity, date(2025, 10, 26)) == 100
    assert readings_of(electricity, date(2026, 3, 28)) == 96
    assert readings_of(electricity, date(2025, 3, 30)) == 92

    days = [date.fromordinal(n) for n in range(first.toordinal(), date(2026, 3, 30).toordinal() + 1)]
    midnights = {_at(midnight(day)): house.ledger.at_midnight(day) for day in days}
    found = ElectricityReading.objects.filter(source=electricity, time__in=midnights).values_list("time", *REGISTERS)
    assert {time: list(counters) for time, *counters in found} == {
        time: [value // 3600 for value in totals[:4]] for time, totals in midnights.items()
    }
    for medium in ("gas", "water"):
        volumes = VolumeReading.objects.filter(source__meter=meter, source__medium=medium, time__in=midnights)
        assert dict(volumes.values_list("time", "volume_l")) == {at: getattr(totals, medium) // 1000 for at, totals in midnights.items()}


def test_each_day_of_october_totals_what_the_model_counted_also_the_one_of_a_hundred_quarters(house: House, meter: Meter) -> None:
    now = midnight(date(2026, 10, 28)) + 600
    past(house, meter, 9, now, fine_days=1).fill(now)
    sources = list(Source.objects.filter(meter=meter).order_by("pk"))
    condensed(sources, _at(now))
    electricity = sources[0]
    blocks = Block.objects.filter(source=electricity, length_s=900, state="done")
    for day, quarters in ((24, 96), (25, 100), (26, 96)):
        start, end = _at(midnight(date(2026, 10, day))), _at(midnight(date(2026, 10, day + 1)))
        assert blocks.filter(start__gte=start, end__lte=end, recovered=False).count() == quarters
    assert not blocks.filter(recovered=True).exists()
    found = totals.periods(sources, Span.DAY, date(2026, 10, 1), date(2026, 10, 28), zone=ZONE, now=_at(now))
    assert len(found) == 27
    for period, parts in found.items():
        begin, until = house.ledger.at_midnight(period.first), house.ledger.at_midnight(period.until)
        counted = [value for total in parts for value in total.registers.values()]
        by_model = [later // 3600 - earlier // 3600 for earlier, later in zip(begin[:4], until[:4], strict=True)]
        by_model += [later // 1000 - earlier // 1000 for earlier, later in zip(begin[4:], until[4:], strict=True)]
        assert counted == by_model, period
        assert {total.coverage for total in parts} == {1.0}


def test_a_quarterly_reading_tells_the_mean_power_of_the_quarter_before_it(house: House) -> None:
    end = midnight(date(2026, 3, 20)) + 13 * 3600
    [row] = rows(house, "electricity", 1, [end], quarterly=True)
    told = dict(zip(storage.COLUMNS["electricity"], row, strict=True))
    whole = [house.reading(second) for second in range(end - 899, end + 1)]
    assert told["power_w"] == round(sum(one.net_w for one in whole) / 900)
    assert told["l3_w"] == round(sum(one.phase_w[2] for one in whole) / 900)
    assert told["import_t1_wh"] == whole[-1].import_t1_wh
    assert told["quarter_w"] is told["l1_dv"] is told["l1_ca"] is None, "nothing is told that has no mean"


def test_a_day_later_only_the_day_is_added(house: House, meter: Meter) -> None:
    """Also where the house spoke each second meanwhile, or stood still for a while long ago."""
    now = midnight(date(2026, 1, 3)) + 600
    before = past(house, meter, 40, now, fine_days=1)
    before.fill(now)
    electricity = Source.objects.get(meter=meter, medium="electricity")
    hole = _at(midnight(date(2025, 12, 12)) + 1000), _at(midnight(date(2025, 12, 12)) + 5000)
    lost, _ = ElectricityReading.objects.filter(source=electricity, time__range=hole).delete()
    live = midnight(date(2026, 1, 2)) + 3600
    storage.write("electricity", list(rows(house, "electricity", electricity.pk, range(live, live + 1800))))
    later = past(house, meter, 40, now + 86400, fine_days=1)
    assert later.fill(now + 86400) == lost + 8640 + 2 * 288


def test_the_newest_days_are_written_first_and_none_twice(house: House) -> None:
    until = midnight(date(2026, 3, 30)) + 600
    found = list(history.stretches(date(2025, 2, 1), until, 14))
    assert found[0].until == until
    assert [a.start for a in found[:-1]] == [b.until for b in found[1:]]
    assert found[-1].start == midnight(date(2025, 2, 1))
    assert [one.coarse for one in found] == [False] * 15 + [True] * (len(found) - 15)


def test_waiting_for_the_first_live_reading_ends_when_the_command_does(house: House, meter: Meter) -> None:
    stop = threading.Event()
    waiting = past(house, meter, 0, stop=stop)
    stop.set()
    with pytest.raises(history.Stopped):
        waiting.join_live(NOW)


def test_a_database_that_is_away_is_waited_for_and_said_once(db) -> None:
    said: list[str] = []
    troubles = iter([OperationalError("connection refused"), OperationalError("connection refused"), None])

    def work() -> str:
        trouble = next(troubles)
        if trouble is not None:
            raise trouble
        return "there"

    assert history.patiently(work, threading.Event(), said.append) == "there"
    assert said == ["demo house: the database does not answer (connection refused): waiting for it"]


def test_a_mistake_in_a_query_is_not_taken_for_a_missing_table(transactional_db) -> None:
    said: list[str] = []
    stop = threading.Event()

    def broken() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing_like_it FROM meters_meter")

    with pytest.raises(ProgrammingError):
        history.patiently(broken, stop, said.append)

    def unmigrated() -> None:
        stop.set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    with pytest.raises(history.Stopped):
        history.patiently(unmigrated, stop, said.append)
    assert "manage.py migrate" in said[0]
