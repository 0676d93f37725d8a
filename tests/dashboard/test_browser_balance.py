"""Sun and use on the page "/" in a real browser: the first HTML, then every balance that is told, and what is said when one lacks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page

from energysite import timegrid
from solar import house_now
from tests.dashboard.balanced import ROOF_WH, grid, made, make_inverter, metered, quarters, say
from tests.dashboard.browser import House, Visit, axe
from tests.meters.rows import make_meter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenTab = Callable[..., Visit]
BRUSSELS = ZoneInfo("Europe/Brussels")
# Of each element that the script writes: its text and value, in the document as it came and as it stands.
BOTH = """(html) => {
  const selector = "[data-house-field], [data-house-total], [data-house-share], [data-house-state], [data-segment], [data-house-gap]";
  const read = (page) => [...page.querySelectorAll(selector)].map((one) => [one.textContent.trim(), one.dataset.value, one.hidden,
    Number.parseFloat(one.getAttribute("x")).toFixed(2), Number.parseFloat(one.getAttribute("width")).toFixed(2)].join("|"));
  return [read(new DOMParser().parseFromString(html, "text/html")), read(document)];
}"""


def roofed(house: House) -> None:
    """Since midnight 2 kWh came, 9 kWh went, the roof made 14 kWh."""
    now = datetime.now(UTC)
    start = timegrid.midnight(timegrid.local_day(now, BRUSSELS), BRUSSELS)
    second = timedelta(seconds=1)
    metered([(start - second, grid()), (start, grid()), (now, grid(2000, 9000))])
    _inverter, roof = make_inverter()
    made(roof, [(start - second, 0), (start, 0), (now, 14_000)])
    balance(house)


def balance(house: House, *, import_w: int = 0, export_w: int = 1840, exported: int = 9000, age_s: float = 0, **inverter: Any) -> None:
    counters: dict[str, Any] = grid(2000, exported)
    house.frame(import_w=import_w, export_w=export_w, **counters)
    now = datetime.now(UTC)
    told = inverter or {"condition": "producing", "power_w": 3600, "total_wh": ROOF_WH + 14_000}
    say("Roof", now - timedelta(seconds=age_s), kind="inverter", period_s=10, **told)
    assert house_now.tell(now) is not None


def value(page: Page, selector: str) -> str | None:
    return page.locator(selector).get_attribute("data-value")


@pytest.mark.parametrize("phone", [False, True])
def test_sun_use_and_where_it_goes_are_in_the_first_html_and_follow_each_balance(visit: OpenTab, house: House, phone: bool) -> None:
    roofed(house)
    tab = visit(phone=phone)
    html = tab.context.request.get(tab.url + "/").text()
    page = tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    first, after = page.evaluate(BOTH, html)
    assert len(first) > 15
    assert first == after
    assert (value(page, "[data-house-field=use_w]"), value(page, "[data-house-field=solar_w]")) == ("1760", "3600")
    assert tab.text("[data-house-item=use]") == "Used 7.00 kWh 71 % self-sufficient"
    assert tab.text("[data-house-item=solar]") == "Solar 14.00 kWh 36 % used here"
    balance(house, export_w=3000, exported=9500, condition="producing", power_w=4000, total_wh=ROOF_WH + 14_600)
    tab.until("document.querySelector('[data-house-field=use_w]').dataset.value === '1000'")
    assert value(page, "[data-house-field=out_export]") == "3000"
    assert page.locator("[data-house-side=out] [data-segment=export]").get_attribute("width") == "75%"
    assert tab.text("[data-house-item=use]") == "Used 7.10 kWh 72 % self-sufficient"
    assert tab.text("[data-house-item=solar]") == "Solar 14.60 kWh 35 % used here"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []


def test_a_silent_inverter_leaves_no_number_and_says_since_when(visit: OpenTab, house: House) -> None:
    roofed(house)
    tab = visit()
    page = tab.open()
    tab.until("document.querySelector('[data-house-field=use_w]').dataset.value === '1760'")
    balance(house, age_s=3600, condition="producing", power_w=3600)
    tab.until("document.querySelector('[data-house-state]').textContent !== ''")
    since = (datetime.now(UTC) - timedelta(hours=1)).astimezone(BRUSSELS)
    said = tab.text("[data-house-state]")
    assert said.startswith("Solar unknown since ")
    assert said.endswith("; use cannot be computed.")
    assert f"{since:%H:%M}" in said or f"{since - timedelta(minutes=1):%H:%M}" in said
    assert (value(page, "[data-house-field=use_w]"), value(page, "[data-house-field=solar_w]")) == (None, None)
    assert value(page, "[data-house-field=in_unknown]") == "1840"
    assert page.locator("[data-house-gap=in_unknown]").is_visible()
    html = tab.context.request.get(tab.url + "/").text()
    assert said in html


def test_an_inverter_that_sleeps_is_no_fault_and_the_house_uses_what_it_imports(visit: OpenTab, house: House) -> None:
    roofed(house)
    balance(house, import_w=420, export_w=0, condition="asleep")
    tab = visit()
    page = tab.open()
    tab.until("document.querySelector('[data-house-field=use_w]').dataset.value === '420'")
    assert tab.text("[data-house-state]").startswith("Solar is asleep")
    assert value(page, "[data-house-field=solar_w]") == "0"
    assert tab.text("[data-house-item=use]") == "Used 7.00 kWh 71 % self-sufficient"


def test_what_no_new_balance_follows_does_not_stay(visit: OpenTab, house: House) -> None:
    roofed(house)
    tab = visit()
    page = tab.open()
    tab.until("document.querySelector('[data-house-field=use_w]').dataset.value === '1760'")
    at = datetime.now(UTC)
    frame = {"kind": "balance", "until": at.timestamp() - 5, "use_w": 999, "solar_w": 5, "import_w": 0, "export_w": 0}
    say("house/balance", at, **frame)
    tab.until("document.querySelector('[data-house-state]').textContent.startsWith('Solar unknown since')")
    assert value(page, "[data-house-field=use_w]") is None


def test_frames_of_other_kinds_neither_speak_for_the_meter_nor_keep_it_alive(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    make_meter("Garage")
    house.frame(age_s=40)
    tab = visit()
    page = tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'silent'")
    now = datetime.now(UTC)
    page.evaluate("sessionStorage.setItem('reloaded for solar', 'yes'); window.here = true")
    for name, kind in (("Roof", "inverter"), ("house/balance", "balance"), ("Tank", "analog"), ("Sky", "weather")):
        say(name, now - timedelta(minutes=2), kind=kind, import_w=9999, power_w=9999, until=now.timestamp() + 20)
    house.frame("Garage", import_w=77)
    tab.until("document.getElementById('live-problem').textContent.includes('Main')")
    page.wait_for_timeout(1100)
    assert page.evaluate("document.getElementById('live-age').dataset.state") == "silent"
    assert tab.value("power_w") == 1420
    assert not [name for name in ("Roof", "house/balance", "Tank", "Sky") if name in tab.text("#live-problem")]
    assert page.evaluate("window.here")


def test_the_first_word_of_an_inverter_makes_room_for_it_once(visit: OpenTab, house: House) -> None:
    metered([(datetime.now(UTC) - timedelta(seconds=5), grid())])
    house.frame()
    tab = visit()
    page = tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    assert page.locator("[data-house]").count() == 0
    make_inverter()
    balance(house)
    tab.until("document.querySelector('[data-house]') !== null")
    assert page.evaluate("sessionStorage.getItem('reloaded for solar')") == "yes"


def test_a_past_day_says_what_was_used_and_made(visit: OpenTab, house: House) -> None:
    day = timegrid.local_day(datetime.now(UTC), BRUSSELS) - timedelta(days=3)
    start, end = timegrid.day_bounds(day, BRUSSELS)
    _meter, electric = metered([(start, grid()), (end, grid(0, 9600))])
    _inverter, roof = make_inverter()
    quarters(electric, start, [(0, 0, 100, 0)] * ((end - start) // timegrid.QUARTER))
    quarters(roof, start, [(300,)] * ((end - start) // timegrid.QUARTER))
    tab = visit()
    page = tab.open(f"/?date={day}")
    number = (end - start) // timegrid.QUARTER
    assert value(page, "[data-house-total=use]") == str(200 * number)
    assert tab.text("[data-house-share=solar]") == "67 % used here"
    assert page.locator("[data-house]").count() == 0
