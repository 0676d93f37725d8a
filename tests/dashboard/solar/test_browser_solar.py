"""The solar page in a real browser: live numbers, the way through the periods, keys, a phone, no scripts, and who cannot see it."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from energysite import agent_states, timegrid
from energysite.timegrid import DAY
from tests.dashboard.browser import House, Visit, axe
from tests.dashboard.solar.house import BRUSSELS, foretell, make_inverter, make_plane, make_signal, make_weather, scored, sunny

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenTab = Callable[..., Visit]
JUNE = date(2026, 6, 15)
DRAWN = "document.querySelectorAll('[data-bars] canvas, [data-curve] canvas').length === 3"


@pytest.fixture
def furnished(house: House) -> None:
    """A June day with everything, and devices that were heard just now."""
    start = timegrid.midnight(JUNE, BRUSSELS)
    sunny(JUNE - DAY, JUNE + 2 * DAY)
    foretell(JUNE)
    foretell(timegrid.local_day(datetime.now(UTC), BRUSSELS))
    scored([JUNE - i * DAY for i in range(3)])
    make_signal(start, start + DAY)
    make_weather(datetime.now(UTC) - timedelta(minutes=5))
    make_plane()
    agent_states.report("Roof", status="ok", condition="producing", error=None, last_success=time.time(), response_ms=84)
    house.frame()
    inverter_frame(house)


def inverter_frame(house: House, *, age_s: float = 0, condition: str = "producing", **values: object) -> None:
    at = time.time() - age_s
    frame = {"source": "Roof", "kind": "inverter", "time": int(at), "received": at, "period_s": 10, "condition": condition}
    told = {"power_w": 2345, "total_wh": 5_000_000, "battery_w": -812, "battery_pct": 63.0, **values}
    assert house.publisher.frame("Roof", frame | {name: value for name, value in told.items() if value is not None})


def test_power_counters_and_battery_follow_the_inverter(visit: OpenTab, house: House, furnished: None) -> None:
    tab = visit()
    tab.open("/solar/")
    row = "[data-inverter='Roof']"
    assert (tab.text(f"{row} [data-field=power_w]"), tab.text(f"{row} td.wide [data-field=total_wh]")) == ("2.35", "5000.00")
    assert tab.text(f"{row} [data-battery]") == "is charged with 0.81 kW, 63 %"
    assert "84 ms" in tab.text(row)
    inverter_frame(house, power_w=1200, total_wh=5_000_070, battery_w=300)
    tab.until(f"document.querySelector(\"{row} [data-field=power_w]\").textContent === '1.20'")
    assert tab.text(f"{row} td.wide [data-field=total_wh]") == "5000.07"
    assert tab.text(f"{row} [data-battery]") == "gives 0.30 kW, 63 %"
    inverter_frame(house, power_w=None, battery_w=None, battery_pct=None)
    tab.until(f"document.querySelector(\"{row} [data-field=power_w]\").textContent === '–'")
    assert tab.text(f"{row} [data-battery]") == "–"


def test_a_number_that_is_no_longer_of_this_moment_is_a_dash(visit: OpenTab, house: House, furnished: None) -> None:
    inverter_frame(house, age_s=18.5)
    tab = visit()
    tab.open("/solar/")
    field = "document.querySelector('[data-inverter] [data-field=power_w]').textContent"
    assert tab.page.evaluate(field) == "2.35"
    tab.until(f"{field} === '–'")
    assert tab.text("[data-inverter] td.wide [data-field=total_wh]") == "5000.00"


def test_a_change_of_state_is_said_by_the_server(visit: OpenTab, house: House, furnished: None) -> None:
    tab = visit()
    tab.open("/solar/")
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    assert tab.text("[data-condition]") == "producing"
    agent_states.report("Roof", status="standby", condition="standby", error=None, last_success=time.time(), response_ms=20)
    inverter_frame(house, condition="standby", power_w=0)
    tab.until("document.querySelector('[data-condition]').textContent === 'on standby'")


def test_weather_and_signals_of_now_follow_too(visit: OpenTab, house: House, furnished: None) -> None:
    tab = visit()
    tab.open("/solar/")
    assert "−3.4 °C" in tab.text("[data-weather]")
    assert tab.text("[data-signal] .figure") == "– °C"
    at = {"time": time.time(), "received": time.time(), "period_s": 900}
    assert house.publisher.frame("Weather", {"source": "Weather", "kind": "weather", "temperature_c": 12.25, "cloud_pct": 5, **at})
    assert house.publisher.frame("Boiler", {"source": "Boiler", "kind": "analog", "value": -21.44, "unit": "°C", **at})
    tab.until("document.querySelector('[data-signal]').textContent.includes('−21.4')")
    tab.until("document.querySelector('[data-weather]').textContent.includes('12.3 °C')")
    assert "420 W/m²" in tab.text("[data-weather]"), "what this frame does not tell stands as it was"


def test_the_way_through_the_periods(visit: OpenTab, furnished: None) -> None:
    tab = visit()
    page = tab.open("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Solar").click()
    page.wait_for_url("**/solar/")
    assert tab.text("nav[aria-label='Pages'] [aria-current]") == "Solar"
    page.goto(f"{tab.url}/solar/?date=2026-06-15")
    tab.until(DRAWN)
    strip = page.get_by_role("navigation", name="Period")
    strip.get_by_role("link", name="Month").click()
    page.wait_for_url("**/solar/?date=2026-06-15&span=month")
    tab.until("document.querySelectorAll('[data-bars] canvas').length === 1")
    chart = page.locator("[data-bars='sun'] [data-chart]")
    chart.focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    said = tab.text("[data-bars='sun'] [data-readout]")
    assert said == "Mon 15 June, Used at once 5.30 kWh, Injected 16.08 kWh, together 21.38 kWh"
    page.keyboard.press("Enter")
    page.wait_for_url("**/solar/?date=2026-06-15")
    strip.get_by_role("link", name="Previous").click()
    page.wait_for_url("**/solar/?date=2026-06-14")
    assert strip.get_by_text("Previous").get_attribute("aria-disabled") == "true", "nothing was made before"


def test_the_curve_comes_without_a_jump_and_can_be_walked_by_keyboard(visit: OpenTab, furnished: None) -> None:
    tab = visit()
    tab.page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page = tab.open("/solar/?date=2026-06-15")
    tab.until(DRAWN)
    assert sum(page.evaluate("shifts")) < 0.01
    assert tab.text("[data-curve='foretold'] .bars__sentence") == "23.52 kWh were forecast, 21.38 kWh were made."
    page.locator("[data-curve='foretold'] [data-chart]").focus()
    page.keyboard.press("Home")
    for _ in range(13):
        page.keyboard.press("PageDown")
    read = "[data-curve='foretold'] [data-readout]"
    assert tab.text(read) == "13:00 to 13:15, Made 2.40 kW, Forecast 2.64 kW (2.11 to 3.17), Uncorrected 3.17 kW"
    page.keyboard.press("Escape")
    assert tab.text(read) == ""
    page.locator("[data-curve^='analog'] [data-chart]").focus()
    page.keyboard.press("Home")
    assert tab.text("[data-curve^='analog'] [data-readout]") == "00:00 to 00:15, Boiler −4.5 °C (−4.5 to −4.5)"


def test_a_phone_shows_it_without_scrolling_sideways(visit: OpenTab, furnished: None) -> None:
    agent_states.report("Roof", status="error", error="The inverter at 192.168.1.20 refuses the connection.", last_success=time.time() - 90)
    tab = visit("owner", phone=True)
    for path in ("/solar/?date=2026-06-15", "/solar/", "/solar/?date=2026-06-15&span=year"):
        page = tab.open(path)
        tab.until("document.querySelector('[data-bars] canvas, [data-curve] canvas') !== null")
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main summary, main input:not([type=hidden])')]"
            ".filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.textContent)"
        )
        assert small == []


def test_without_scripts_the_numbers_and_the_tables_are_there(visit: OpenTab, furnished: None) -> None:
    tab = visit(java_script_enabled=False)
    page = tab.open("/solar/?date=2026-06-15")
    assert "25 % of what the sun made stayed in the house" in tab.text("[data-bars='sun']")
    page.locator("[data-curve='foretold'] summary").click()
    assert page.get_by_role("row", name="13:00–14:00 2.63 2.10 to 3.15 2.39").is_visible()
    assert not page.locator("[data-chart]").first.is_visible()


@pytest.mark.parametrize(("theme", "path"), [("light", "/solar/"), ("dark", "/solar/?date=2026-06-15")])
def test_nobody_is_left_out(visit: OpenTab, furnished: None, theme: str, path: str) -> None:
    make_inverter("Garage")
    agent_states.report("Garage", status="error", error="It refuses the connection.", last_success=time.time() - 600)
    tab = visit(color_scheme=theme)
    page = tab.open(path)
    tab.until("document.querySelector('[data-curve] canvas') !== null")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert axe(page) == []


def test_nobody_is_left_out_of_a_page_that_lacks_everything(visit: OpenTab, house: House) -> None:
    tab = visit("owner")
    page = tab.open("/solar/")
    assert page.get_by_role("link", name="Connect your inverter").is_visible()
    assert axe(page) == []


def test_charts_that_cannot_be_fetched_leave_a_sentence_and_the_numbers(visit: OpenTab, furnished: None) -> None:
    tab = visit()
    tab.page.route("**/data/solar/**", lambda route: route.fulfill(status=503, json={"error": "away"}))
    tab.open("/solar/?date=2026-06-15")
    tab.until("!document.querySelector('[data-curve] [data-trouble]').hidden")
    assert "numbers and table are right" in tab.text("[data-trouble]")
    tab.faults.clear()  # the failed request stands on the console, as it should
