"""The page and its data: what each inverter is said to do, forecasts, scores, signals, and what stands there while something lacks."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from dashboard.solar import foretold, inverters, score, signals, sky, states
from energysite import agent_states, live, timegrid
from energysite.models import House
from energysite.timegrid import Period, Span
from solar.models import ForecastScore, Inverter, Weather
from tests.dashboard.solar.house import (
    BRUSSELS,
    foretell,
    make_inverter,
    make_plane,
    make_signal,
    make_weather,
    scored,
    sun_wh,
    sunny,
)

pytestmark = pytest.mark.django_db
JUNE = date(2026, 6, 15)
NOON = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=13)
OCTOBER = date(2026, 10, 25)


def logged_in(role: str = "viewer") -> Client:
    client = Client(headers={"host": "localhost"})
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client() -> Client:
    return logged_in()


@pytest.fixture(autouse=True)
def _quiet() -> None:
    live.client().flushdb()


def text(client: Client, **query: str) -> str:
    answer = client.get("/solar/", query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# Inverters in words

BASE = NOON.timestamp()
ASK_WORKER = "Does the worker run? See Health."


def said(state: dict[str, Any], now: datetime = NOON, **fields: Any) -> tuple[str, str, str]:
    house = House(pk=1, zone="Europe/Brussels", latitude=50.85, longitude=4.35)
    return inverters.condition(Inverter(name="Roof", **{"period_s": 10, **fields}), state, house, now, BRUSSELS)


def test_an_inverter_that_sleeps_says_until_when() -> None:
    night = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=2)
    code, words, trouble = said({"status": "asleep", "condition": "asleep", "at": night.timestamp()}, night)
    assert (code, trouble) == ("idle", "")
    assert words.startswith("asleep until about 05:"), words


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, ("idle", "not read yet", "")),
        ({"status": "ok", "condition": "producing", "at": BASE}, ("well", "producing", "")),
        ({"status": "standby", "condition": "standby", "at": BASE}, ("idle", "on standby", "")),
        ({"status": "ok", "condition": "fault", "code": "567", "at": BASE}, ("bad", "reports a fault", "Its code: 567.")),
        ({"status": "error", "error": "Refused.", "at": BASE, "last_success": BASE - 3600}, ("bad", "not known since 12:00", "Refused.")),
        ({"status": "error", "error": "No.", "at": BASE, "last_success": BASE - 9e4}, ("bad", "not known since 2026-06-14 12:00", "No.")),
        ({"status": "error", "error": "Refused.", "at": BASE}, ("bad", "has not answered yet", "Refused.")),
        ({"status": "ok", "condition": "producing", "at": BASE - 121}, ("warn", "nobody asks it since 12:57", ASK_WORKER)),
    ],
)  # fmt: skip
def test_each_state_of_an_inverter_has_its_words(state: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert said(state) == expected


def test_an_inverter_that_is_switched_off_is_said_to_be_so_whatever_it_did_last() -> None:
    assert said({"status": "error", "error": "x", "at": BASE}, enabled=False) == ("idle", "switched off", "")


def test_text_of_a_device_is_made_harmless() -> None:
    assert said({"status": "error", "error": "a\nb\x1b[31m", "at": BASE})[2] == "a b[31m"


def frame(name: str = "Roof", age_s: float = 1.0, **values: Any) -> None:
    at = time.time() - age_s
    told = {"source": name, "kind": "inverter", "time": int(at), "received": at, "period_s": 10, "condition": "producing"}
    assert live.publisher().frame(name, told | values)


def row(client: Client) -> inverters.Row:
    [found] = client.get("/solar/").context["inverters"]
    return found


def test_power_is_that_of_this_moment_or_unknown(client: Client) -> None:
    make_inverter()
    agent_states.report("Roof", status="ok", condition="producing", last_success=time.time(), response_ms=84)
    frame(power_w=2345, total_wh=5_000_000, battery_w=-812, battery_pct=63.4)
    found = row(client)
    assert (found.power_w, found.total_wh, found.response_ms) == (2345, 5_000_000, 84)
    assert found.battery == "is charged with 0.81 kW, 63 %"
    frame(age_s=21, power_w=2345, total_wh=5_000_000, battery_w=812)
    old = row(client)
    assert (old.power_w, old.battery) == (None, "–"), "older than twice its period"
    assert old.total_wh == 5_000_000, "a counter does not age"


def test_several_units_are_one_inverter_and_half_of_it_is_no_total() -> None:
    inverter, source = make_inverter()
    loaded = Inverter.objects.prefetch_related("counters__source").get(pk=inverter.pk)
    assert inverters.sources([loaded]) == {inverter.pk: [source]}
    told = states.Told({"Roof": {}})
    assert inverters.rows([loaded], {}, told, House(pk=1), NOON, BRUSSELS)[0].made_wh is None


def test_a_day_that_is_over_lists_who_made_something_in_it(client: Client) -> None:
    sunny(JUNE, JUNE + timedelta(days=1))
    make_inverter("Garage")
    shown = client.get("/solar/", {"date": "2026-06-15"}).context["inverters"]
    made = sum(sun_wh(at) for at in timegrid.quarters(JUNE, BRUSSELS))
    assert [(one.inverter.name, one.made_wh) for one in shown] == [("Roof", made)]
    assert "No inverter counted anything in this period: the first reading is of 15 June 2026." in text(client, date="2026-06-13")


# What was foretold


def of_june(now: datetime) -> foretold.Foretold:
    found = foretold.of_day(JUNE, now, BRUSSELS)
    assert found is not None
    return found


def test_a_day_that_is_over_says_what_was_foretold_and_made() -> None:
    sunny(JUNE, JUNE + timedelta(days=1))
    foretell(JUNE)
    found = of_june(NOON + timedelta(days=2))
    assert foretold.sentence(found) == "23.52 kWh were forecast, 21.38 kWh were made."
    curve = foretold.curve(found).plain
    assert (curve["end"] - curve["start"], curve["now"]) == (86400, None)
    made, mean, raw = curve["lines"]
    assert [len(line["values"]) for line in (made, mean, raw)] == [96] * 3
    noon = (13 * 3600) // 900
    assert (made["values"][noon], mean["values"][noon], mean["band"][0][noon], mean["band"][1][noon]) == (2400, 2640, 2112, 3168)


def test_a_day_that_runs_tells_what_is_to_come_and_the_next_one() -> None:
    sunny(JUNE, JUNE + timedelta(days=1), NOON)
    foretell(JUNE)
    found = of_june(NOON)
    said = foretold.sentence(found)
    assert said.startswith("About 23.52 kWh are expected today, most at 13:00 (2.64 kW). 10.39 kWh were made so far; 11.4")
    assert said.endswith("were forecast to then. Tomorrow about 23.52 kWh.")
    curve = foretold.curve(found).plain
    assert (curve["end"] - curve["start"], curve["now"]) == (2 * 86400, NOON.timestamp())
    made = curve["lines"][0]["values"]
    assert made[51] is not None
    assert made[52:] == [None] * 140, "what is to come is unknown, not nothing"


def test_before_sunrise_nothing_is_said_of_what_was_made() -> None:
    dawn = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=5)
    sunny(JUNE - timedelta(days=1), JUNE + timedelta(days=1), dawn)
    foretell(JUNE)
    found = replace(of_june(dawn), made_w=[0] * 20 + [None] * 76)
    assert foretold.sentence(found) == "About 23.52 kWh are expected today, most at 13:00 (2.64 kW). Tomorrow about 23.52 kWh."


def test_the_hours_of_the_table_are_those_with_sun_and_both_of_october_have_their_names() -> None:
    sunny(JUNE, JUNE + timedelta(days=1))
    foretell(JUNE)
    [(_day, rows)] = foretold.table(of_june(NOON + timedelta(days=2)))
    assert [one.name for one in rows] == [f"{hour:02d}:00–{hour + 1:02d}:00" for hour in range(6, 20)]
    assert (rows[7].foretold, rows[7].band, rows[7].made) == ("2.63", "2.10 to 3.15", "2.39")
    forecast = foretell(OCTOBER, days=1)
    forecast.mean_w = [100] * 100
    forecast.save()
    found = foretold.of_day(OCTOBER, datetime(2026, 11, 1, tzinfo=UTC), BRUSSELS)
    assert found is not None
    assert [one.name for one in foretold.table(found)[0][1]][2:4] == ["02:00–03:00 summer time", "02:00–03:00 winter time"]
    assert len(foretold.curve(found).plain["lines"][1]["values"]) == 100


def test_what_a_quarter_lacks_is_no_zero() -> None:
    foretell(JUNE)
    found = of_june(NOON + timedelta(days=2))
    assert set(found.made_w) == {None}
    assert foretold.sentence(found) == "23.52 kWh were forecast; what was made is not known."
    assert {one.made for _day, rows in foretold.table(found) for one in rows} == {"–"}


def test_a_day_without_a_forecast_says_so_and_today_what_it_needs(client: Client) -> None:
    make_inverter()
    assert "There was no forecast of this day." in text(client, date="2026-06-15")
    assert client.get("/solar/").context["lacks"] == {"roof": True, "weather": True, "place": True}
    said = text(client)
    assert "Ask the owner of the house for:" in said
    assert 'href="/admin/' not in said
    make_plane()
    make_weather(datetime.now(UTC))
    House.objects.update_or_create(pk=1, defaults={"latitude": 50.8, "longitude": 4.3})
    House.load().save()  # pages read it anew
    assert "The first forecast is made as soon as the weather service has answered" in text(client)


def test_an_owner_is_led_to_what_a_forecast_needs() -> None:
    client = logged_in("owner")
    said = text(client)
    assert "/setup/inverter/" in said
    for address in ("/admin/solar/roofplane/add/", "/admin/solar/weather/add/", "/admin/energysite/house/"):
        assert f'href="{address}"' in said


# How good it was


def test_scores_are_weighed_by_daylight_and_compared_on_the_same_days() -> None:
    scored([date(2026, 6, 1)], steps=30, mae_w=100, bias_w=10, raw_mae_w=200, raw_bias_w=20)
    scored([date(2026, 6, 2)], steps=60, mae_w=400, bias_w=-80, raw_mae_w=500, raw_bias_w=50, persistence_mae_w=700)
    scored([date(2026, 6, 3)], steps=90, mae_w=9999, persistence_mae_w=None, persistence_bias_w=None, within_pct=None)
    found = score.of_period(Period.of(Span.MONTH, JUNE))
    assert found is not None
    forecast, raw, persistence = found.rows
    assert (forecast.mae_w, forecast.bias_w) == (300, -50)
    assert (raw.mae_w, round(raw.bias_w or 0), round(persistence.mae_w or 0)) == (400, 40, 597)
    assert (found.days, [one.name for one in found.by_day]) == (3, ["Wed 3 June", "Tue 2 June", "Mon 1 June"])
    assert (forecast.bias, raw.bias) == ("−50", "+40")
    assert found.sentence.startswith("Over 3 days the forecast was 300 W off on average. Uncorrected it would have been 400 W, a copy")


def test_a_day_stands_with_the_thirty_that_it_ends_and_a_year_without_its_days() -> None:
    scored([JUNE - timedelta(days=i) for i in range(40)])
    of_day, of_year = score.of_period(Period.of(Span.DAY, JUNE)), score.of_period(Period.of(Span.YEAR, JUNE))
    assert of_day is not None
    assert of_year is not None
    assert (of_day.days, of_year.days, len(of_day.by_day), of_year.by_day) == (30, 40, 30, [])
    assert score.of_period(Period.of(Span.DAY, date(2025, 1, 1))) is None


def test_without_a_day_before_there_is_nothing_to_copy() -> None:
    scored([JUNE], persistence_mae_w=None, persistence_bias_w=None, within_pct=None)
    found = score.of(list(ForecastScore.objects.all()))
    assert found is not None
    assert (found.rows[2].mae, found.rows[2].bias) == ("–", "–")
    assert found.sentence == "Over 1 day the forecast was 150 W off on average. Uncorrected it would have been 240 W."


# Weather and signals


def test_the_weather_of_hours_ago_is_not_that_of_now() -> None:
    weather = make_weather(NOON - timedelta(minutes=20), cloud_pct=None)
    told = states.Told({"Weather": {}})
    [fresh] = sky.skies([weather], told, NOON, BRUSSELS)
    assert [(one.field, one.text) for one in fresh.values] == [
        ("temperature_c", "−3.4"),
        ("global_w_m2", "420"),
        ("wind_m_s", "5.2"),
        ("humidity_pct", "81"),
    ]
    assert fresh.seen == "at 12:40, 20 min ago"
    [old] = sky.skies([weather], states.Told({"Weather": {"error": "The key was refused."}}), NOON + timedelta(hours=3), BRUSSELS)
    assert (old.values, old.error) == ([], "The key was refused.")


def test_a_service_that_is_switched_off_is_not_the_weather(client: Client) -> None:
    make_weather(datetime.now(UTC))
    Weather.objects.update(enabled=False)
    assert "No weather service is asked yet." in text(client)


def test_the_quarters_of_an_analog_signal_are_its_day(client: Client) -> None:
    start = timegrid.midnight(JUNE, BRUSSELS)
    given = make_signal(start, start + timedelta(hours=20))
    [signal] = signals.of_day([given], states.told([given]), JUNE, NOON + timedelta(days=3), BRUSSELS)
    assert [quarter[1] for quarter in signal.quarters[:2]] == [-4500, -4000]
    assert signal.quarters[80:] == [signals.NOTHING] * 16
    assert signals.sentence(signal) == "Lowest −4.5 °C at 00:00, highest 35.0 °C at 19:45."
    assert signals.table(signal)[0] == ("00:00–01:00", "−4.5", "−3.8", "−3.0")
    assert len(signals.table(signal)) == 20
    curve = client.get("/data/solar/", {"date": "2026-06-15"}).json()["curves"][signal.key]
    assert (curve["unit"], curve["format"], curve["lines"][0]["values"][:2]) == ("°C", "milli", [-4500, -4000])
    assert curve["lines"][0]["band"][0][90] is None


def test_a_signal_of_now_is_no_older_than_twice_its_period() -> None:
    given = make_signal(NOON, NOON)
    for age_s, value in ((1800, 21_400), (1801, None)):
        at = NOON.timestamp() - age_s
        told = states.Told(
            {"Boiler": {}}, {"Boiler": {"source": "Boiler", "kind": "analog", "received": at, "value": 21.4, "period_s": 900}}
        )
        assert signals.of_day([given], told, JUNE, NOON, BRUSSELS)[0].value == value


# The page as a whole


@pytest.mark.parametrize("query", ["date=2026-13-01", "span=decade", "date=1999-01-01"])
def test_what_cannot_be_shown_is_said(client: Client, query: str) -> None:
    assert client.get(f"/solar/?{query}").status_code == 404
    answer = client.get(f"/data/solar/?{query}")
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("span", ["day", "week", "month", "year"])
def test_every_period_is_there_with_nothing_configured_and_with_everything(client: Client, span: str) -> None:
    assert "No inverter yet" in text(client, span=span)
    sunny(JUNE, JUNE + timedelta(days=2))
    foretell(JUNE)
    scored([JUNE])
    make_weather(datetime.now(UTC))
    make_signal(NOON, NOON + timedelta(hours=2))
    assert "42.77" in text(client, span=span, date="2026-06-15") if span != "day" else "21.38" in text(client, date="2026-06-15")
    assert "Over 1 day the forecast was 150 W off" in text(client, span=span, date="2026-06-15")


def test_who_may_configure_is_led_to_it_and_who_may_not_is_told_whom_to_ask(client: Client) -> None:
    said = text(client)
    assert "Ask the owner of the house to connect the inverter." in said
    assert "/setup/inverter/" not in said
