"""The energy page in a real browser: October's day, the way through the periods, keys, a phone, no scripts, and who cannot see it."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from energysite import timegrid
from tests.dashboard.browser import House, Visit, axe
from tests.dashboard.energy.house import BRUSSELS, steady

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenTab = Callable[..., Visit]
DRAWN = "document.querySelectorAll('[data-bars] canvas').length === 3"
OCTOBER = date(2026, 10, 25)


@pytest.fixture
def counted(house: House) -> None:
    """Three days around October's long one, the middle of them with an outage."""
    start = timegrid.midnight(OCTOBER, BRUSSELS)
    steady(date(2026, 10, 24), date(2026, 10, 27), skip={start + timedelta(hours=10): start + timedelta(hours=14)})
    house.frame()


def names(tab: Visit) -> list[str]:
    return tab.page.locator("[data-bars='electricity'] tbody th").all_text_contents()


def test_octobers_day_has_twenty_five_hours_and_a_hundred_quarters(visit: OpenTab, counted: None) -> None:
    tab = visit()
    page = tab.open("/energy/?date=2026-10-25")
    tab.until(DRAWN)
    assert len(names(tab)) == 25
    assert names(tab)[1:5] == ["01:00–02:00", "02:00–03:00 summer time", "02:00–03:00 winter time", "03:00–04:00"]
    assert tab.page.evaluate("energysite.bars.electricity.text(3)").startswith("02:00–03:00 winter time\nImport, register 1 0.00 kWh")
    assert "recovered" in tab.page.evaluate("energysite.bars.electricity.text(12)")
    page.get_by_role("link", name="By quarter").click()
    page.wait_for_url("**/energy/?date=2026-10-25&by=quarter")
    tab.until(DRAWN)
    assert len(names(tab)) == 100
    assert page.locator("[data-exact]").first.get_attribute("data-exact") == str(60 * 100 + 40 * 40)


def test_the_way_through_the_periods_and_back(visit: OpenTab, counted: None) -> None:
    tab = visit()
    page = tab.open("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Energy").click()
    page.wait_for_url("**/energy/")
    assert tab.text("nav[aria-label='Pages'] [aria-current]") == "Energy"
    page.goto(f"{tab.url}/energy/?date=2026-10-25")
    strip = page.get_by_role("navigation", name="Period")
    strip.get_by_role("link", name="Previous").click()
    page.wait_for_url("**/energy/?date=2026-10-24")
    assert strip.get_by_text("Previous").get_attribute("aria-disabled") == "true", "nothing was measured before"
    strip.get_by_role("link", name="Month").click()
    page.wait_for_url("**/energy/?date=2026-10-24&span=month")
    assert tab.text("h1") == "October 2026"
    page.get_by_role("link", name="Compare with the month before").click()
    page.wait_for_url("**compare=before")
    page.go_back()
    page.go_back()
    assert tab.text("h1") == "Saturday 24 October 2026"


def test_a_bar_can_be_walked_to_and_opened_by_keyboard(visit: OpenTab, counted: None) -> None:
    tab = visit()
    page = tab.open("/energy/?date=2026-10-25&span=month")
    tab.until(DRAWN)
    chart = page.locator("[data-bars='electricity'] [data-chart]")
    chart.focus()
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    said = tab.text("[data-bars='electricity'] [data-readout]")
    assert said.startswith(
        "Sun 25 October, Import, register 1 6.00 kWh, Import, register 2 1.60 kWh, together 7.60 kWh, Injection 2.50 kWh"
    )
    page.keyboard.press("Enter")
    page.wait_for_url("**/energy/?date=2026-10-25")


@pytest.mark.parametrize(
    "path", ["/energy/?date=2026-10-25&by=quarter&compare=before", "/energy/?span=year", "/energy/?date=2026-10-25&span=month"]
)
def test_a_phone_shows_it_without_scrolling_sideways(visit: OpenTab, counted: None, path: str) -> None:
    tab = visit(phone=True)
    page = tab.open(path)
    tab.until(DRAWN)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        "[...document.querySelectorAll('main a, main button, main summary, main input:not([type=hidden])')]"
        ".filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.textContent)"
    )
    assert small == []


def test_without_scripts_the_numbers_and_the_table_are_there(visit: OpenTab, counted: None) -> None:
    tab = visit(java_script_enabled=False)
    page = tab.open("/energy/?date=2026-10-25")
    assert "7.60" in tab.text(".totals")
    page.locator("[data-bars='electricity'] summary").click()
    assert page.get_by_role("row", name="02:00–03:00 winter time").first.is_visible()
    assert not page.locator("[data-chart]").first.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_left_out(visit: OpenTab, counted: None, theme: str) -> None:
    tab = visit(color_scheme=theme)
    page = tab.open("/energy/?date=2026-10-25&compare=before")
    tab.until(DRAWN)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert axe(page) == []


def test_the_page_does_not_jump_when_its_bars_come(visit: OpenTab, counted: None) -> None:
    tab = visit()
    tab.page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    tab.open("/energy/?date=2026-10-25")
    tab.until(DRAWN)
    assert sum(tab.page.evaluate("shifts")) < 0.01


def test_bars_that_cannot_be_fetched_leave_a_sentence_and_the_numbers(visit: OpenTab, counted: None) -> None:
    tab = visit()
    tab.page.route("**/data/energy/**", lambda route: route.fulfill(status=503, json={"error": "away"}))
    tab.open("/energy/?date=2026-10-25")
    tab.until("!document.querySelector('[data-trouble]').hidden")
    assert "numbers and table are right" in tab.text("[data-trouble]")
    assert "7.60" in tab.text(".totals")
    tab.faults.clear()  # the failed request stands on the console, as it should
