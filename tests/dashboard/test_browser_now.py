"""The Now page in a real browser: numbers first as HTML, then live, exact, and honest about their age."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.dashboard.browser import FRAME, House, Visit
from tests.meters.rows import electricity, make_meter, make_source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What a document says, element by element; time left runs on by itself.
BOTH = """(html) => {
  const wanted = "[data-field], [data-total], [data-quarter-part]:not([data-quarter-part=left]), [data-word], [data-bar]";
  const read = (root) => [...root.querySelectorAll(wanted)].map((e) => [
    e.dataset.field, e.dataset.total, e.dataset.quarterPart, e.dataset.value, e.textContent.trim(),
    e.getAttribute("class"), parseFloat(e.getAttribute("width")).toFixed(2),
  ].join("|"));
  return [read(new DOMParser().parseFromString(html, "text/html")), read(document)];
}"""

OpenTab = Callable[..., Visit]


def live_page(visit: OpenTab, house: House, **options: object) -> Visit:
    """A page of the meter "Main" that has had its first live frame."""
    make_meter("Main")
    house.frame()
    tab = visit(**options)
    tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    return tab


def test_every_value_of_every_live_frame_stands_in_the_page(visit: OpenTab, house: House) -> None:
    tab = live_page(visit, house)
    for i in range(5):
        frame = house.frame(
            import_w=2000 + i, import_t1_wh=FRAME["import_t1_wh"] + i, l2_w=-500 - i, l1_v=230.0 + i, gas_l=2_100_400 + i, quarter_w=700 + i
        )
        tab.until(f"document.querySelector('[data-field=import_w]').dataset.value === '{frame['import_w']}'")
        shown = {name: tab.value(name) for name in frame if name not in ("source", "received")}
        assert shown == {name: frame[name] for name in shown}
        assert tab.value("power_w") == frame["import_w"] - frame["export_w"]


def test_a_live_frame_is_in_the_page_before_the_next_picture(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    house.frame(import_w=1000)
    tab = visit()
    # A listener added after the page's own sees the page as that one left it, within the same task.
    tab.page.add_init_script(
        """const Real = WebSocket;
        window.seen = [];
        window.WebSocket = class extends Real {
          set onmessage(handler) {
            this.addEventListener("message", handler);
            this.addEventListener("message", (event) => {
              const frame = JSON.parse(event.data);
              if (frame.type === "frame") seen.push([frame.import_w, document.querySelector("[data-field=power_w]").dataset.value]);
            });
          }
        };"""
    )
    tab.open()
    tab.until("seen.length === 1")
    for w in (1500, 2500):
        house.frame(import_w=w)
        tab.until(f"seen.at(-1)[0] === {w}")
    assert tab.page.evaluate("seen") == [[1000, "1000"], [1500, "1500"], [2500, "2500"]]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_first_html_says_what_the_script_says(visit: OpenTab, house: House, language: str) -> None:
    meter = make_meter("Main")
    now = datetime.now(UTC).replace(microsecond=0)
    electricity(make_source(meter), [(now, {name: FRAME[name] for name in FRAME if name.endswith("_wh")})])
    tab = visit()
    tab.context.add_cookies([{"name": "django_language", "value": language, "url": tab.url}])
    house.frame(import_w=1337, quarter_w=905)
    html = tab.context.request.get(tab.url + "/").text()
    tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    first, after = tab.page.evaluate(BOTH, html)
    assert len(first) > 30
    assert first == after
    assert ("1,34" if language == "nl" else "1.34") in tab.text(".hero__power")


def test_power_is_a_word_and_a_number(visit: OpenTab, house: House) -> None:
    tab = live_page(visit, house)
    assert (tab.text(".hero__word"), tab.text(".hero__power")) == ("Importing", "1.42kW")
    house.frame(import_w=0, export_w=1840)
    tab.until("document.querySelector('.hero__word').textContent === 'Injecting'")
    assert tab.text(".hero__power") == "1.84kW"
    assert tab.value("power_w") == -1840
    assert tab.page.locator(".flow--main rect[data-bar]").get_attribute("class") == "bar--export"


def test_a_register_that_goes_away_leaves_no_old_number_behind(visit: OpenTab, house: House) -> None:
    tab = live_page(visit, house)
    house.frame(gone=("l1_v", "month_peak_w"))
    tab.until("document.querySelector('[data-field=l1_v]').textContent === '–'")
    assert tab.value("l1_v") is None


def test_the_quarter_says_what_may_be_added(visit: OpenTab, house: House) -> None:
    tab = live_page(visit, house)
    house.frame(quarter_w=300, import_w=300, month_peak_w=3480)
    tab.until("document.querySelector('[data-quarter-part=expected_w]').dataset.value <= 600")
    assert re.fullmatch(r"You can add (more than )?[\d.]+ kW until \d\d:\d\d", tab.text("[data-quarter-part=room]"))
    assert tab.text("[data-quarter-part=peak]") == "month peak 3.48 kW"
    house.frame(quarter_w=9000, import_w=9000, month_peak_w=1000)
    tab.until("document.querySelector('[data-quarter]').dataset.over === 'true'")
    assert re.fullmatch(r"Take off [\d.]+ kW until \d\d:\d\d to stay at 2.50 kW", tab.text("[data-quarter-part=room]"))
    assert tab.text("[data-quarter-part=peak]") == "month peak 1.00 kW; 2.5 kW is charged anyway"


def test_an_old_number_is_grey_and_says_its_age(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    house.frame(age_s=12)
    tab = visit()
    tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'old'")
    assert re.fullmatch(r"Last telegram 1\d s ago", tab.text("#live-age"))
    assert re.fullmatch(r"Last telegram 1\d s ago", tab.text("[data-moment]"))
    colour = "getComputedStyle(document.querySelector('.hero__power')).color"
    assert tab.page.evaluate(colour) != tab.page.evaluate("getComputedStyle(document.body).color")
    assert not tab.page.locator("#live-problem").is_visible()


def test_a_silent_meter_is_the_banner_with_since_when_and_what_to_do(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    house.frame(age_s=90)
    tab = visit()
    tab.open()
    tab.until("document.getElementById('live-age').dataset.state === 'silent'")
    said = tab.text("#live-problem")
    assert re.fullmatch(r"Main: silent since \d\d:\d\d. History is complete to \d\d:\d\d. Check the cable. What to check", said)
    assert tab.page.locator("#live-problem a").get_attribute("href") == "/health/"
    assert tab.page.locator("[data-quarter-none]").is_visible()
    assert not tab.page.locator("[data-quarter-part=room]").is_visible()
    house.frame()
    tab.until("document.getElementById('live-problem').hidden")
    assert tab.page.locator("[data-quarter-part=room]").is_visible()


def test_a_name_from_outside_is_text_everywhere(visit: OpenTab, house: House) -> None:
    name = "<img src=x onerror=alert(1)>"
    make_meter(name)
    make_meter("Other")
    house.frame(name, age_s=90)
    house.frame("Other")
    tab = visit("owner")
    tab.open()
    tab.until("document.getElementById('live-problem').textContent.includes('onerror')")
    assert tab.text(".tabs a") == name
    tab.page.locator("[data-chart]").focus()
    tab.page.keyboard.press("ArrowLeft")
    for path in ("/settings/", "/health/"):
        tab.open(path)
        assert name in (tab.page.locator("main").text_content() or "")
    assert tab.page.locator("img").count() == 0
    assert tab.dialogs == []


def test_of_several_meters_the_page_follows_the_chosen_one(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    make_meter("Pool")
    house.frame("Main", import_w=500)
    house.frame("Pool", import_w=77)
    tab = visit()
    tab.open()
    tab.page.get_by_role("link", name="Pool").click()
    tab.until("document.getElementById('live-age').dataset.state === 'live'")
    house.frame("Main", import_w=600)
    house.frame("Pool", import_w=78)
    tab.until("document.querySelector('[data-field=power_w]').dataset.value === '78'")


def test_without_a_meter_the_page_says_what_to_do_next(visit: OpenTab, house: House) -> None:
    tab = visit("owner")
    tab.open()
    assert tab.page.get_by_role("link", name="Connect your meter").get_attribute("href") == "/setup/meter/"
    other = visit("viewer")
    other.open()
    assert "Ask the owner" in other.text("main")
