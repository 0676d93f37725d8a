"""The demo house's inverters, weather and analog input as the site knows them, and what they would have told before."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from energysite.demo.calendar import day_of, midnight
from energysite.demo.model import House
from energysite.demo.on_the_wire import on_the_wire
from energysite.errors import EnergyError
from energysite.management.commands import _demo_devices as devices
from energysite.management.commands import _demo_forecast as forecast_past
from energysite.management.commands import _demo_history as history
from energysite.management.commands import _demo_weather as weather_past
from energysite.management.commands._demo_rows import rows
from energysite.models import House as HouseRow
from energysite.place import of
from energysite.timegrid import Span
from meters.counting import judge
from meters.models import AnalogInput, Block, Meter, ProductionReading, Source
from meters.storage import COLUMNS
from meters.totals import totals
from solar.models import ForecastScore, Inverter, InverterSource, RoofPlane, SolarForecast, Weather, WeatherForecast, WeatherObservation
from solar.parts import parts_of
from solar.production import Production
from solar.readers import families
from solar.weather import services, storing
from tests.dashboard.energy.house import condensed
from tests.energysite import demo
from tests.energysite.test_demo_history import past
from tests.energysite.test_demo_serve import counted, demo_house, house_dir, url_of_the_database
from tests.waiting import until

__all__ = ["counted", "house_dir"]

NOW = midnight(date(2026, 3, 30)) + 15 * 3600 + 4
ADDRESSES = {
    "fronius": "http://127.0.0.1:34001",
    "sunspec": "socket://127.0.0.1:34002",
    "open_meteo": "http://127.0.0.1:34003",
    "spi": "/somewhere/spi.sock",
}


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


@pytest.fixture
def meter(db) -> Meter:
    return history.register("socket://127.0.0.1:34000")


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_devices_are_made_known_once_and_followed_to_their_new_ports(meter: Meter) -> None:
    devices.register(ADDRESSES)
    fronius, sma = Inverter.objects.order_by("pk")
    assert (fronius.address, sma.address, sma.units) == (ADDRESSES["fronius"], ADDRESSES["sunspec"], "1, 2")
    assert (fronius.peak_w, sma.peak_w) == (3000, 2000)
    for inverter in (fronius, sma):
        inverter.full_clean()
    assert Weather.objects.get().address == ADDRESSES["open_meteo"]
    assert AnalogInput.objects.get().source.unit == "°C"
    planes = RoofPlane.objects.order_by("pk").values_list("inverter__name", "peak_w", "limit_w", "tilt_deg", "azimuth_deg")
    assert list(planes) == [("Fronius", 3120, 3000, 38, 200), ("SMA", 2080, 2000, 38, 200)]
    spot = of(HouseRow.load())
    assert spot is not None and (spot.latitude, spot.longitude, spot.exact) == (50.85, 4.35, True)

    fronius.period_s = 30
    fronius.save()
    RoofPlane.objects.filter(inverter=fronius).update(tilt_deg=12)
    devices.register({**ADDRESSES, "fronius": "http://127.0.0.1:35001"})
    again = Inverter.objects.get(pk=fronius.pk)
    assert (again.address, again.period_s, again.version) == ("http://127.0.0.1:35001", 30, fronius.version + 1)
    assert Inverter.objects.get(pk=sma.pk).version == sma.version, "nothing changed, so nobody is told"
    assert (Inverter.objects.count(), Weather.objects.count(), AnalogInput.objects.count(), RoofPlane.objects.count()) == (2, 1, 1, 2)
    assert RoofPlane.objects.get(inverter=fronius).tilt_deg == 12


def test_a_place_that_a_person_gave_stays(meter: Meter) -> None:
    HouseRow.objects.update(latitude=51.2, longitude=3.2)
    devices.register(ADDRESSES)
    assert (HouseRow.load().latitude, HouseRow.load().longitude) == (51.2, 3.2)


def test_an_inverter_that_somebody_took_away_has_no_past_and_the_others_have(meter: Meter) -> None:
    devices.register(ADDRESSES)
    Inverter.objects.get(name="Fronius").delete()
    assert [one.parts for one in devices.series()] == [(1,), (2,)]


def asked(inverter: Inverter) -> Production:
    with closing(families.open_reader(inverter.family, inverter)) as reader:
        return reader.read(time.monotonic() + 5)


def test_the_past_of_each_unit_is_what_its_device_would_have_told(house: House, meter: Meter) -> None:
    """Read by the site's own reader at moments of the past: the same unit, the same power, the same counter."""
    now = [float(NOW)]
    with on_the_wire(house, lambda: now[0]) as wire:
        devices.register({name: wire[name].address for name in ("fronius", "sunspec")})
        series = {one.source_id: one for one in devices.series()}
        for moment in (NOW - 60, NOW - 5 * 3600, midnight(date(2026, 3, 30)) + 1200):
            now[0] = moment
            for inverter in Inverter.objects.all():
                told = asked(inverter)
                units = dict(InverterSource.objects.filter(inverter=inverter).values_list("unit", "source_id"))
                found = {part.unit: (part.total_wh, part.power_w) for part in parts_of(told, units.keys())}
                assert found.keys() == units.keys()
                for unit, source_id in units.items():
                    [row] = rows(house, "solar", source_id, [moment], parts=series[source_id].parts)
                    given = dict(zip(COLUMNS["production"], row, strict=True))
                    assert (given["total_wh"], given["production_w"]) == found[unit]


def only(house: House, meter: Meter, series: list[history.Series], days: int, fine_days: int) -> history.History:
    """The past of these alone, which does not begin with a month."""
    found = past(house, meter, days, NOW, fine_days=fine_days)
    found.series, found.first = list(series), date(2026, 3, 30) - timedelta(days=days)
    return found


def test_the_suns_past_is_whole_and_its_days_are_the_models_to_the_watt_hour(house: House, meter: Meter) -> None:
    """Two days by the minute, the others by quarters, one of 23 hours; written again, nothing is added."""
    devices.register(ADDRESSES)
    series = [replace(one, fine_days=1) for one in devices.series()]
    only(house, meter, series, 4, 2).fill(NOW)
    assert only(house, meter, series, 4, 2).fill(NOW) == 0
    sources = list(Source.objects.filter(pk__in=[one.source_id for one in series]).order_by("pk"))
    assert [source.name for source in sources] == ["Fronius", "SMA", "SMA 2"]
    condensed(sources, _at(NOW))
    quarters = Block.objects.filter(source__in=sources, length_s=900, state="done", end__lte=_at(midnight(date(2026, 3, 30))))
    started = _at(midnight(date(2026, 3, 26)))
    assert quarters.filter(start__gte=started).count() == 3 * (3 * 96 + 92)
    assert not quarters.filter(recovered=True).exists()
    found = totals.periods(sources, Span.DAY, date(2026, 3, 26), date(2026, 3, 30), zone=ZoneInfo("Europe/Brussels"), now=_at(NOW))
    assert len(found) == 4
    for period, parts in found.items():
        begin, end = house.ledger.made_at_midnight(period.first), house.ledger.made_at_midnight(period.until)
        counted_wh = [total.registers["total_wh"] for total in parts]
        assert counted_wh == [later // 3600 - earlier // 3600 for earlier, later in zip(begin, end, strict=True)], period
        assert {total.coverage for total in parts} == {1.0}
    readings = ProductionReading.objects.filter(source=sources[0], time__lte=_at(midnight(date(2026, 3, 30))))
    assert readings.filter(time__gt=_at(midnight(date(2026, 3, 29)))).count() == 23 * 60
    assert readings.filter(time__gt=started, time__lte=_at(midnight(date(2026, 3, 29)))).count() == 3 * 96


def test_a_live_reading_goes_on_from_the_past_without_a_suspect(house: House, meter: Meter) -> None:
    devices.register(ADDRESSES)
    series = devices.series()
    only(house, meter, series, 0, 14).fill(NOW)
    live = [row for one in series for row in rows(house, "solar", one.source_id, range(NOW + 1, NOW + 60, 10), parts=one.parts)]
    taken = judge.store("production", live, _at(NOW + 60))
    assert (taken.new, taken.suspects) == (18, 0)


def test_the_weathers_past_is_what_the_site_would_have_been_told(house: House, meter: Meter) -> None:
    """Asked on the wire at one of its moments; what is there already stays, and only gaps are filled."""
    stop = threading.Event()
    moment = NOW - NOW % 10800 - 86400 + weather_past.ASKED_S
    with on_the_wire(house, lambda: moment, ["open_meteo"]) as wire:
        devices.register({"open_meteo": wire["open_meteo"].address})
        weather = Weather.objects.get()
        assert weather_past.fill(house, weather, 2, NOW, stop, print) == 16
        told = WeatherForecast.objects.get(weather=weather, issued=_at(moment))
        fields = ("start", "step_s", "temperature_dc", "cloud_pct", "global_w_m2", "direct_w_m2", "diffuse_w_m2")
        by_past = [getattr(told, name) for name in fields]
        assert len(told.global_w_m2) == 192
        told.delete()
        service = services.open_service(weather, of(HouseRow.load()))
        with closing(service):
            report = service.ask(_at(moment), time.monotonic() + 5)
    live = storing.keep_forecast(weather, report.forecast, _at(moment + 60))
    assert live is not None
    assert [getattr(live, name) for name in fields] == by_past
    assert weather_past.fill(house, weather, 2, NOW, stop, print) == 0, "the live one stands for its three hours"
    WeatherForecast.objects.filter(issued__gt=_at(moment + 60)).delete()
    assert weather_past.fill(house, weather, 2, NOW, stop, print) == 8
    seen = list(WeatherObservation.objects.filter(weather=weather).order_by("time"))
    assert [one.time for one in seen] == [_at(NOW - NOW % 3600 - hour * 3600) for hour in range(47, -1, -1)]
    assert all(one.temperature_dc is not None and one.cloud_pct is not None for one in seen)
    stop.set()
    with pytest.raises(history.Stopped):
        weather_past.fill(house, weather, 4, NOW, stop, print)


def test_what_was_foretold_of_the_sun_is_learned_from_the_past_and_foretold_once(house: House, meter: Meter) -> None:
    """Of four days: better than nothing is known of them, and nothing is told twice."""
    stop = threading.Event()
    said: list[str] = []
    devices.register(ADDRESSES)
    series = [replace(one, fine_days=0) for one in devices.series()]
    only(house, meter, series, 4, 0).fill(NOW)
    sources = list(Source.objects.filter(pk__in=[one.source_id for one in series]).order_by("pk"))
    condensed(sources, _at(NOW))
    Block.objects.filter(end__gt=_at(NOW - 7200)).delete()
    weather = Weather.objects.get()
    weather_past.fill(house, weather, 4, NOW, stop, said.append)
    evenings = forecast_past.fill(weather, NOW - 7200, stop, said.append)
    assert (evenings, said) == (5, ["demo house: 5 forecasts of its sun from its past, 3 days scored"])
    assert list(ForecastScore.objects.order_by("day").values_list("day", flat=True)) == [date(2026, 3, 27 + day) for day in range(3)]
    told = list(SolarForecast.objects.order_by("issued"))
    assert [day_of(int(one.issued.timestamp())) for one in told] == [date(2026, 3, 26) + timedelta(days=day) for day in range(5)]
    assert told[-1].learned_days > told[0].learned_days == 0
    newest = told[-2]
    made = [house.made((0, 1, 2), int(newest.start.timestamp()) + 900 * step + 450).power_w for step in range(96)]
    error_w = sum(abs(foretold - power) for foretold, power in zip(newest.mean_w, made, strict=False)) / 96
    assert error_w < 0.6 * sum(made) / 96
    assert forecast_past.fill(weather, NOW - 7200, stop, said.append) == 0


def test_the_past_forecasts_wait_for_blocks_no_longer_than_the_command_runs(meter: Meter) -> None:
    devices.register(ADDRESSES)
    devices.series()
    stop = threading.Event()
    stop.set()
    with pytest.raises(history.Stopped):
        forecast_past.fill(Weather.objects.get(), NOW, stop, print)


def address_in(said: list[str], name: str) -> Callable[[], str]:
    return lambda: next((line.split(" at ")[1].split(",")[0].strip() for line in said if f"demo house: {name} at " in line), "")


def test_the_command_starts_its_devices_and_makes_them_known(house_dir: Path, transactional_db: None) -> None:
    arguments = ("--pty", "meter", "--devices", "--register", "--device-fault", "fronius:status:404")
    with demo_house(house_dir, *arguments, database_url=url_of_the_database()) as (_process, said):
        until(lambda: RoofPlane.objects.count() == 2 and AnalogInput.objects.exists(), 60, lambda: "".join(said))
        fronius, sma = Inverter.objects.order_by("pk")
        assert (fronius.address, sma.address) == (address_in(said, "fronius")(), address_in(said, "sunspec")())
        before = int(time.time())
        told = asked(sma)
        model = demo.house()
        possible = {model.made((1, 2), at).power_w for at in range(before - 1, int(time.time()) + 2)}
        assert told.power_w in possible
        with pytest.raises(EnergyError, match="404"):
            asked(fronius)
        assert (house_dir / "demo" / "spi.sock").is_socket()
        assert {line.split(" at ")[0] for line in said if " at http" in line} >= {"demo house: sma", "demo house: homewizard"}
    assert not (house_dir / "demo" / "spi.sock").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tcp", "0", "--devices", "--device-fault", "fronius:bang"], "There is no mode 'bang'"),
        (["--tcp", "0", "--device-fault", "fronius:night"], "goes with --devices"),
        (["--tcp", "0", "--devices", "--replay", __file__], "no devices"),
    ],
)
def test_wrong_devices_end_in_a_sentence(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("demo_house", *arguments)
