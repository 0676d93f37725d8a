"""Every page in a real browser: days, themes, small screens, keyboards, people who cannot see it, and its weight."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from energysite import timegrid
from tests.dashboard.browser import FRAME, House, Visit, axe
from tests.meters.rows import electricity, make_meter, make_source, volume

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenTab = Callable[..., Visit]
BRUSSELS = ZoneInfo("Europe/Brussels")
PAGES = ("/", "/control/", "/health/", "/settings/")
LIVE = "document.getElementById('live-age').dataset.state === 'live'"
DRAWN = "document.querySelector('[data-chart] canvas') !== null"


def furnished(house: House) -> None:
    """A meter with a reading every other minute since yesterday, gas and water, and a live frame."""
    meter = make_meter("Main")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    start = timegrid.midnight(timegrid.local_day(now, BRUSSELS) - timedelta(days=1), BRUSSELS) - timedelta(minutes=1)
    times = [start + timedelta(minutes=i) for i in range(0, (now - start) // timedelta(minutes=1), 2)]
    counters: dict[str, Any] = {name: FRAME[name] for name in FRAME if name.endswith("_wh")}
    rows = [(time, {**counters, "power_w": 1800 if i % 150 < 30 else -900 if i % 150 > 100 else 250}) for i, time in enumerate(times)]
    electricity(make_source(meter), rows)
    volume(make_source(meter, "gas", "7"), [(time, int(FRAME["gas_l"])) for time in times[::60]])
    volume(make_source(meter, "water", "8"), [(time, int(FRAME["water_l"])) for time in times[::60]])
    house.frame()


def october(house: House) -> None:
    """A reading every minute of the day on which the clock goes back; 400 W in summer time's 02:00, 900 W in winter time's."""
    source = make_source(make_meter("Main"))
    start, end = timegrid.day_bounds(date(2026, 10, 25), BRUSSELS)
    times = [start + timedelta(minutes=i) for i in range(-1, (end - start) // timedelta(minutes=1) + 1)]
    hours = {2: 400, 3: 900}
    electricity(
        source,
        [(time, {"import_t1_wh": i, "power_w": hours.get((time - start) // timedelta(hours=1), 100)}) for i, time in enumerate(times)],
    )


def test_the_day_buttons_go_back_and_forth_by_keyboard(visit: OpenTab, house: House) -> None:
    furnished(house)
    today = timegrid.local_day(datetime.now(UTC), BRUSSELS)
    tab = visit()
    page = tab.open()
    assert page.locator(".days [aria-disabled]").all_text_contents()[-1].startswith("Next")
    page.get_by_role("link", name="Previous").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/?date={today - timedelta(days=1)}")
    yesterday = today - timedelta(days=1)
    assert tab.text("h1") == f"{yesterday:%A} {yesterday.day} {yesterday:%B %Y}"
    assert page.locator(".hero, [data-live]").count() == 0
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(tab.url + "/")
    tab.until(LIVE)


@pytest.mark.parametrize("asked", ["2026-13-45", "yesterday", "1999-01-01"])
def test_a_day_that_is_none_gets_a_page_that_says_so(visit: OpenTab, asked: str) -> None:
    tab = visit()
    assert tab.context.request.get(f"{tab.url}/?date={asked}").status == 404


def test_a_past_day_shows_its_curve_and_stands_still(visit: OpenTab, house: House) -> None:
    furnished(house)
    yesterday = timegrid.local_day(datetime.now(UTC), BRUSSELS) - timedelta(days=1)
    tab = visit()
    tab.open(f"/?date={yesterday}")
    tab.until(DRAWN)
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    before = tab.points()
    assert len(before) == 720
    house.frame()
    house.frame("Sentinel")  # once this one is heard, the one before it was too
    tab.until("document.getElementById('live-age').textContent.includes('live')")
    assert tab.points() == before


def test_both_two_o_clocks_of_october_stand_there_with_their_names(visit: OpenTab, house: House) -> None:
    october(house)
    tab = visit()
    page = tab.open("/?date=2026-10-25")
    tab.until("document.querySelectorAll('[data-table] tr').length === 25")
    page.get_by_text("As a table").click()
    rows = [row.all_text_contents() for row in (row.locator("th, td") for row in page.locator("[data-table] tr").all())]
    assert [row[0] for row in rows[1:5]] == ["01:00", "02:00 summer time", "02:00 winter time", "03:00"]
    assert [row[1] for row in rows[1:5]] == ["0.10", "0.40", "0.90", "0.10"]
    assert tab.text("[data-sentence]") == "Import highest at 02:00 winter time, 0.90 kW."


def test_missing_hours_are_named_and_nothing_is_drawn_across_them(visit: OpenTab, house: House) -> None:
    source = make_source(make_meter("Main"))
    start = timegrid.midnight(date(2026, 11, 10), BRUSSELS)
    kept = [i for i in range(-1, 1441) if not 842 <= i < 860]
    electricity(source, [(start + timedelta(minutes=i), {"import_t1_wh": i + 2, "power_w": 300}) for i in kept])
    tab = visit()
    tab.open("/?date=2026-11-10")
    tab.until("window.energysite?.chartPoints().length > 0")
    epoch = int(start.timestamp())
    assert tab.page.evaluate("window.energysite.chartGaps()") == [[epoch + 842 * 60, epoch + 860 * 60]]
    assert tab.text("[data-sentence]").endswith("Readings are missing: 14:02 to 14:20.")


def test_the_curve_can_be_walked_by_keyboard(visit: OpenTab, house: House) -> None:
    october(house)
    tab = visit()
    page = tab.open("/?date=2026-10-25")
    tab.until(DRAWN)
    page.locator("[data-chart]").focus()
    page.keyboard.press("Home")
    assert tab.text("[data-readout]") == "00:01: importing 0.10 kW"
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    assert tab.text("[data-readout]").endswith("02:45 summer time: importing 0.40 kW")
    page.keyboard.press("Escape")
    assert tab.text("[data-readout]") == ""


def test_the_theme_is_chosen_and_remembered(visit: OpenTab, house: House) -> None:
    furnished(house)
    tab = visit(color_scheme="light")
    page = tab.open()
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert (page.evaluate(ground), page.locator("html").get_attribute("data-theme")) == (dark, "dark")
    page.get_by_role("button", name="Auto").click()
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == dark


def test_the_language_is_chosen_and_numbers_follow(visit: OpenTab, house: House) -> None:
    furnished(house)
    tab = visit()
    page = tab.open()
    page.get_by_label("Language").select_option("nl")
    page.wait_for_selector("html[lang=nl]")
    assert "1,42" in tab.text(".hero__power")
    tab.until(LIVE)
    assert "1,42" in tab.text(".hero__power")


@pytest.mark.parametrize("path", [*PAGES, "/?date=2026-10-25", "/login/", "/no-such-page/"])
def test_no_page_is_wider_than_its_screen(visit: OpenTab, house: House, path: str) -> None:
    furnished(house)
    tab = visit(None if path == "/login/" else "owner", phone=True)
    page = tab.open(path)
    for width in (360, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    tab.faults = [fault for fault in tab.faults if path != "/no-such-page/" or "404" not in fault]


def test_on_a_phone_language_and_theme_are_behind_one_button(visit: OpenTab, house: House) -> None:
    furnished(house)
    tab = visit(phone=True)
    page = tab.open()
    assert not page.get_by_label("Language").is_visible()
    page.get_by_role("button", name="Options").click()
    assert page.get_by_label("Language").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_label("Language").is_visible()


@pytest.mark.parametrize("path", [*PAGES, "/login/"])
def test_axe_finds_nothing_light_or_dark(visit: OpenTab, house: House, path: str) -> None:
    furnished(house)
    tab = visit(None if path == "/login/" else "owner", color_scheme="light")
    page = tab.open(path)
    if path == "/":
        tab.until(DRAWN)
        for summary in page.locator("summary").all():
            summary.click()
    assert axe(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe(page) == []


def test_axe_finds_nothing_while_something_is_wrong(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    house.frame(age_s=90)
    tab = visit()
    page = tab.open()
    tab.until("!document.getElementById('live-problem').hidden")
    assert axe(page) == []


def test_the_first_load_is_light(visit: OpenTab, house: House) -> None:
    furnished(house)
    tab = visit()
    weights: dict[str, int] = {}

    def weigh(response: object) -> None:
        weights[response.url] = response.request.sizes()["responseBodySize"]  # type: ignore[attr-defined]

    tab.page.on("response", weigh)
    tab.open()
    tab.until(DRAWN)
    total = sum(weights.values())
    chart = sum(size for url, size in weights.items() if "/chart" in url)
    assert chart > 100_000, weights
    assert total - chart <= 100_000, weights
    assert total <= 350_000, weights


def test_no_stylesheet_or_script_comes_from_elsewhere() -> None:
    built = Path(settings.BASE_DIR) / "dashboard/static/build"
    for file in ("site.css", "site.js"):
        text = (built / file).read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert len(gzip.compress(text.encode())) < 20_000
