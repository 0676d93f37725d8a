"""The pages of control in a browser: live cards, a person's word by keyboard, an agent's state and settings by its socket."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from control.models import Commander, Controller, Override
from energysite import agent_states
from energysite import house as house_row
from energysite.models import House as HouseRow
from tests.dashboard.browser import House, Visit, axe
from tests.dashboard.control.house import decide, frame, hold, make_load, switched, telegram, tick
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenTab = Callable[..., Visit]
LINKED = "['live', 'old', 'silent'].includes(document.querySelector('#live-age').dataset.state)"


def running(**fields: Any) -> Controller:
    HouseRow.objects.update_or_create(pk=1, defaults={"fuse_a": 40})
    house_row.forget()
    telegram()
    car = make_load(**fields)
    hold(car)
    tick(car)
    return car


def test_a_decision_reaches_the_card_and_the_now_page_without_a_reload(visit: OpenTab, house: House) -> None:
    car = running(name="<img src=x onerror=alert(1)>")
    tab, now = visit(), visit()
    page = tab.open("/control/")
    now.open("/")
    assert tab.text(".load__word") == "On"
    assert now.text(".loads__one").startswith("<img src=x onerror=alert(1)> On 3.41 kW")
    for one in (tab, now):
        one.until(LINKED)
    page.evaluate("window.unchanged = true")
    hold(car, level=0, read=0, power_w=0)
    tick(car, level=0.0, read=0, power_w=0, code="mode_off", params={})
    frame(car)
    tab.until("document.querySelector('.load__reason').textContent.includes('Off: set to off.')")
    assert tab.text(".load__word") == "Off"
    assert page.evaluate("window.unchanged")
    now.until("document.querySelector('.loads__one').textContent.includes('Off: set to off.')")
    assert now.dialogs == tab.dialogs == []


def test_a_person_overrides_and_ends_it_with_the_keyboard_alone(visit: OpenTab, house: House) -> None:
    running()
    tab = visit("member")
    page = tab.open("/control/")
    page.locator("#main").focus()
    for _stop in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "minutes":
            break
    page.keyboard.press("ArrowDown")  # 4 hours
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Switch on")
    page.keyboard.press("Enter")
    page.get_by_text("Car is to be on until").wait_for()
    word = Override.objects.get(ended=None)
    assert 3.9 < (word.until - word.began).total_seconds() / 3600 <= 4
    page.get_by_role("button", name="End it Car").press("Enter")
    page.get_by_text("Car decides by itself again.").wait_for()
    assert not Override.objects.filter(ended=None).exists()


def test_what_a_person_is_choosing_does_not_jump_back_under_them(visit: OpenTab, house: House) -> None:
    car = running()
    tab = visit("member")
    page = tab.open("/control/")
    tab.until(LINKED)
    page.get_by_label("For a while Car").select_option("480")
    page.get_by_label("For a while Car").focus()
    Controller.objects.filter(pk=car.pk).update(mode="on")
    tick(car, code="mode_on", params={})
    frame(car)
    tab.until("document.querySelector('.load__reason').textContent.includes('On: set to on.')")
    assert page.get_by_label("For a while Car").input_value() == "480"


def test_an_agents_state_and_settings_go_by_its_own_socket(visit: OpenTab, house: House) -> None:
    car = running()
    tab = visit("owner")
    page = tab.open("/control/")
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    details = page.locator("details.agent", has_text="Car").first
    details.locator("summary").press("Enter")
    page.get_by_label("Priority").wait_for()
    until(lambda: [url for url in opened if url.endswith("/ws/agents/Car/")], 5, "no socket of the agent")
    agent_states.tell("Car", {"status": "on", "code": "borrowing", "error": "It is on fire."})
    page.get_by_text("borrowing").wait_for()
    assert "It is on fire." in (details.locator("[data-agent-error]").text_content() or "")

    page.get_by_label("Priority").fill("2")
    page.get_by_label("Dry-run").check()
    details.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.", exact=True).wait_for()
    saved = Controller.objects.get()
    assert (saved.priority, saved.dry_run, saved.version) == (2, True, car.version + 1)

    page.get_by_label("Priority").fill("0")
    details.get_by_role("button", name="Save").click()
    page.locator("[data-field-error]").wait_for()
    assert page.evaluate("document.activeElement.dataset.setting") == "priority"

    saved.min_on_s = 420
    saved.save()  # somebody else was faster
    page.get_by_label("Priority").fill("5")
    details.get_by_role("button", name="Save").click()
    page.get_by_text("The settings have changed meanwhile").wait_for()
    assert Controller.objects.get().priority == 2
    until(lambda: page.get_by_label("Minimum on").input_value() == "420", 5, "what the other one saved is shown")
    assert page.get_by_label("Priority").input_value() == "5"
    details.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.", exact=True).wait_for()
    assert (Controller.objects.get().priority, Controller.objects.get().min_on_s) == (5, 420)
    details.locator("summary").press("Enter")
    page.get_by_label("Priority").wait_for(state="detached")


@pytest.mark.parametrize(("scheme", "phone", "language"), [("light", False, "de"), ("dark", True, "fr")])
def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(
    visit: OpenTab, house: House, scheme: str, phone: bool, language: str
) -> None:
    car = running(name="Pump of the pond behind the house, the second")
    Commander.objects.update_or_create(pk=1, defaults={"copied": True})
    worst: dict[str, Any] = {"locked": "over_temperature", "reachable": False, "paused": True, "class": "C"}
    hold(car, **worst)
    decide(car, rejected=[["peak", 0.0, "peak_shed", {"limit_w": 3480, "until_at": 1_790_000_000}]])
    switched(car, 0.0)
    tab = visit("owner", phone=phone, color_scheme=scheme)
    tab.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": tab.url}])
    for path in (f"/control/agents/{car.name}/", f"/control/loads/{car.name}/") if phone else ("/control/", "/"):
        page = tab.open(path)
        assert page.evaluate("document.documentElement.lang") == language
        for details in page.locator("details[id], details.agent").all()[:2]:
            details.locator("summary").click()
        assert axe(page) == []
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_the_state_is_written_alike_by_server_and_script(visit: OpenTab, house: House) -> None:
    running()
    state: dict[str, Any] = {
        "level": 1.0,
        "dry_run": False,
        "error": None,
        "params": {"surplus_w": 640, "x": 1.5},
        "rejected": [],
        "next_at": 1_790_000_000.0,
    }
    agent_states.tell("Car", state)
    tab = visit("owner")
    page = tab.open("/control/agents/Car/")
    rows = "[...%s.querySelectorAll('[data-agent-state] [data-key]')].map((row) => [...row.children].map((one) => one.textContent.trim()))"
    served = "new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html')"
    first = dict(page.evaluate(f"(async () => {rows % f'({served})'})()"))
    page.evaluate("document.querySelector('[data-agent-state]').replaceChildren()")
    agent_states.tell("Car", state)
    tab.until("document.querySelectorAll('[data-agent-state] [data-key]').length >= 6")
    shown = dict(page.evaluate(rows % "document"))
    told = ("commanded", "dry-run", "error", "with", "rejected", "next step at")
    assert {name: shown[name] for name in told} == {name: first[name] for name in told}
