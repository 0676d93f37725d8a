"""What the page of control says: mode, reason, next step, today, a person's word, and each abnormal sentence."""

import json
import re
from datetime import date, datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from control.models import Commander, Controller, ControllerDay, Departure, Override
from dashboard.control import cards, next_step
from dashboard.control.facts import gather
from energysite import agents, house, live
from energysite.models import House
from meters.models import Meter
from tests.dashboard.control.house import decide, hold, logged_in, make_load, switched, telegram, tick

pytestmark = pytest.mark.django_db
Told = dict[str, Any]
BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    live.client().flushdb()


@pytest.fixture
def client() -> Client:
    return logged_in("member")


def html(client: Client, path: str = "/control/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def text(client: Client, path: str = "/control/") -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html(client, path).partition("<main")[2].partition("<footer")[0])).split())


def there(at: datetime) -> str:
    """As the page writes it: with its date on another day."""
    local = at.astimezone(BRUSSELS)
    return f"{local:%H:%M}" if local.date() == today() else f"{local:%Y-%m-%d %H:%M}"


def today() -> date:
    return timezone.now().astimezone(BRUSSELS).date()


def running(**fields: Any) -> Controller:
    """A car that is charged, in a house where all is well."""
    House.objects.update_or_create(pk=1, defaults={"fuse_a": 40})
    telegram()
    car = make_load(**fields)
    hold(car)
    tick(car)
    return car


def test_a_card_says_mode_reason_next_step_and_what_the_load_did_today(client: Client) -> None:
    car = running()
    ControllerDay.objects.create(controller=car, local_date=today(), switches=3, energy_wh=4200, solar_wh=4100, grid_wh=100)
    tick(car, solar_wh=3150)
    said = text(client)
    for words in (
        "On 3.41 kW",
        "On: the surplus of 3,640 W covers the 3,400 W that the sun has to give.",
        "Next step Off when it has borrowed",
        "4.20 kWh",
    ):
        assert words in said
    assert "Of the sun 75 % sun" in said
    assert "Switches today 3 of 12" in said
    assert 'value="auto" aria-pressed="true"' in html(client)
    assert "notice--" not in html(client)


def test_a_house_where_nothing_is_switched_says_what_to_do_first() -> None:
    assert "Ask the owner of the house to add one." in text(logged_in("viewer"))
    assert "Add an output" in text(logged_in("owner"))


def test_before_the_first_decision_and_after_the_last_tick_the_newest_stored_decision_is_told(client: Client) -> None:
    car = make_load()
    assert "It has not decided anything yet." in text(client)
    decide(car)
    tick(car, age_s=90)
    said = text(client)
    assert "Off: the surplus of 640 W has been below 1,200 W for 5 minutes." in said
    assert "that the sun has to give" not in said


@pytest.mark.parametrize(
    ("held", "ticked", "expected"),
    [
        ({"age_s": 20}, {}, "Stopped: hold_outputs silent for 20 s; Car's plug switches itself off."),
        ({"age_s": 20, "class": "B"}, {}, "Stopped: hold_outputs silent for 20 s; Car's plug is switched off when it returns."),
        ({"age_s": 20, "class": "C"}, {}, "Stopped: hold_outputs silent for 20 s; Car's plug cannot switch itself off: check it."),
        ({}, {"age_s": 32}, "Stopped: worker silent for 32 s; Car's plug switches itself off."),
        ({"class": "B"}, {"age_s": 32}, "Stopped: worker silent for 32 s; hold_outputs switches Car's plug off."),
        ({"level": 0, "read": 0}, {"age_s": 32}, "Stopped: worker silent for 32 s; Car's plug is off."),
        ({"reachable": False}, {}, "Car's plug is unreachable, last known on: check it."),
        ({"reachable": False, "read": 0}, {}, "Car's plug is unreachable, last known off: check it."),
        ({"reachable": False, "read": None, "level": None}, {}, "Car's plug is unreachable, its state is not known: check it."),
        ({"level": 0, "unsafe_s": 14}, {}, "Car's plug should be off for 14 s and nothing confirms it: check it."),
        ({"locked": "over_temperature"}, {}, "Locked: overheated. Let it cool, look at it, then press to release."),
        ({"locked": "overpower"}, {}, "Locked: it drew more than it may. Look at what is plugged in, then press to release."),
        (
            {"locked": "stuck"},
            {},
            "its contact may be stuck. Pull the plug, then press to release.",
        ),
        (
            {"paused": True},
            {},
            "against this controller. Press to let it go on.",
        ),
        ({"life": 80_000}, {}, "The relay of Car's plug has made 80000 of its 100000 switches: plan another one."),
        ({"class": "C"}, {}, "Car's plug cannot switch itself off if this machine dies."),
        (
            {},
            {"rule": "device", "code": "overload", "params": {"rated_w": 2000}},
            "output's 2,000 W. Look at it, then release it.",
        ),
        ({}, {"rule": "times", "code": "min_off", "params": {"wait_s": 240, "min_s": 300}}, "Waiting 4 minutes (minimum off 5 minutes)."),
    ],
)
def test_each_abnormal_sentence_says_what_is_wrong_and_what_still_works(
    held: dict[str, Any], ticked: dict[str, Any], expected: str
) -> None:
    car = running()
    hold(car, **held)
    tick(car, **ticked)
    found = gather(timezone.now(), car.name)
    card = cards.card(found.ones[0], found)
    assert expected in " ".join([*(line.text for line in card.lines), card.reason])
    offered = card.releases or any(line.release for line in card.lines)
    assert offered == ("release" in expected or "Press" in expected)


def test_an_unreachable_device_says_its_error_and_is_not_said_to_be_on(client: Client) -> None:
    car = running()
    hold(car, reachable=False, error={"text": "%(host)s does not answer.", "params": {"host": "10.0.0.8\x1b[1m"}})
    said = text(client)
    assert "Not known" in said
    assert "10.0.0.8[1m does not answer." in said
    assert "On 3.41 kW" not in said


def test_a_dry_run_says_what_would_be(client: Client) -> None:
    car = running(dry_run=True)
    hold(car, level=0, read=0, power_w=0)
    tick(car, dry_run=True, read=0)
    assert "Off Dry-run: would be on" in text(client)
    tick(car, dry_run=True, read=0, level=0.0)
    assert "Dry-run: would be off" in text(client)


def test_nothing_that_holds_the_outputs_is_told_at_once_and_a_dry_run_needs_nobody(client: Client) -> None:
    car = make_load()
    tick(car)
    assert "Stopped: nothing holds the outputs. Does hold_outputs run?" in text(client)
    Controller.objects.update(dry_run=True)
    assert "Stopped" not in text(client)


def test_a_silent_meter_switches_all_off_and_says_since_when(client: Client) -> None:
    running()
    telegram(age_s=3600)
    since = there(timezone.now() - timedelta(hours=1))
    said = text(client)
    assert f"Meter silent since {since}. Loads are off for safety. History is complete to {since}." in said
    assert "On although no meter guards it" in said, "a person may still choose to"


def test_what_the_guard_cannot_see_is_said(client: Client) -> None:
    car = running()
    assert "Guard blind" not in text(client)
    at = telegram(quarter_w=None)
    live.client().delete(live.LAST)
    live.publisher().frame(at.name, {"source": at.name, "time": 1, "received": timezone.now().timestamp(), "import_w": 100})
    assert "Guard blind: no quarter register." in text(client)
    House.objects.update(fuse_a=None)
    house.forget()
    assert "The main fuse is not set: nobody watches it." in text(client)
    House.objects.update(fuse_a=40, grid="3x230")
    house.forget()
    assert "On 3 x 230 V the meter does not show L2: its current is estimated." in text(client)
    Override.objects.create(controller=car, level=1, began=timezone.now(), until=timezone.now() + timedelta(hours=1), by="Ann", blind=True)
    assert "Guard blind: Ann has it on without a meter" in text(client)
    Override.objects.all().delete()
    Meter.objects.update(enabled=False)
    Controller.objects.update(without_meter=True)
    said = text(client)
    assert "Guard blind: it runs without a meter, as the owner confirmed" in said
    assert "There is no meter: what lives on the sun stays off." in said


def test_a_persons_word_stands_on_the_card_with_its_end(client: Client) -> None:
    car = running()
    until = timezone.now() + timedelta(hours=1)
    word = Override.objects.create(controller=car, level=1, began=timezone.now(), until=until, by="Ann")
    assert f"On by Ann until {there(until)} End it" in text(client)
    assert "Next step Then it decides by itself again." in text(client)
    Override.objects.filter(pk=word.pk).update(level=0, button=True)
    assert "Switched off at the device itself, until" in text(client)
    Override.objects.filter(pk=word.pk).update(until=timezone.now() - timedelta(seconds=1))
    assert "End it" not in text(client)


def test_names_of_people_and_devices_are_text(client: Client) -> None:
    car = running(name="<img src=x onerror=alert(1)>")
    Override.objects.create(controller=car, level=1, began=timezone.now(), until=timezone.now() + timedelta(hours=1), by="<b>Ann</b>")
    page = html(client)
    assert "<img src=x" not in page
    assert "<b>Ann" not in page
    parts = client.get("/data/control/").content.decode()
    assert "<img src=x" not in parts


def test_what_is_switched_off_in_its_settings_says_only_that(client: Client) -> None:
    car = running()
    Controller.objects.update(enabled=False)
    said = text(client)
    assert "Car is switched off in its settings: nothing is commanded." in said
    assert "that the sun has to give" not in said
    assert car.name in said


# Next step


def first(controller: Controller) -> str:
    found = gather(timezone.now(), controller.name)
    return next_step.of(found.ones[0], found)


def test_the_next_step_follows_strategy_and_mode() -> None:
    car = running()
    hold(car, level=0, read=0)
    assert first(car) == "On when enough sun has been given away."
    Controller.objects.update(strategy="threshold", upper_w=1200, deadband_w=500)
    assert first(car) == "On when the mean surplus reaches 1200 W."
    hold(car)
    assert first(car) == "Off when the mean surplus falls below 700 W."
    Controller.objects.update(strategy="plan")
    assert first(car) == "No departure is planned: it takes the sun only."
    now = timezone.now().astimezone(BRUSSELS)
    Departure.objects.create(controller=car, day=(now - timedelta(days=1)).isoweekday(), by="07:30", kwh=14)
    Departure.objects.create(controller=car, day=(now + timedelta(days=1)).isoweekday(), by="06:15", kwh=9.5)
    assert first(car) == f"9.5 kWh by {now + timedelta(days=1):%A} 06:15."
    Departure.objects.all().delete()
    Departure.objects.create(controller=car, day=now.isoweekday(), by="00:00", kwh=2)
    assert first(car) == f"2.0 kWh by {now:%A} 00:00.", "next week's: today's has passed"
    Controller.objects.update(strategy="window", window_from="22:00", window_to="06:00")
    assert first(car) in ("Its hours begin at 22:00.", "Its hours end at 06:00.")
    Controller.objects.update(mode="on")
    assert first(car) == "It stays so until somebody chooses another mode."
    tick(car, next_at=timezone.now().timestamp() + 245)
    assert re.fullmatch(r"It looks again at .*, in 4 min\.", first(car))
    tick(car, rule="fresh", next_at=None)
    assert first(car) == "It decides again as soon as the meter's data are fresh."
    hold(car, locked="stuck")
    assert first(car) == ""


@pytest.mark.parametrize(
    ("begin", "end", "now", "inside"),
    [("22:00", "06:00", "23:10", True), ("22:00", "06:00", "06:00", False), ("09:00", "17:00", "08:59", False)],
)
def test_hours_may_pass_midnight(begin: str, end: str, now: str, inside: bool) -> None:
    assert next_step._inside(time.fromisoformat(begin), time.fromisoformat(end), time.fromisoformat(now)) is inside


# A copy


def test_a_copied_installation_asks_its_owner(client: Client) -> None:
    running()
    Commander.objects.update_or_create(pk=1, defaults={"copied": True})
    assert "Ask the owner which machine commands the house." in text(client)
    assert "It is a copy: stay in dry-run" in text(logged_in("owner"))


# Log


def test_the_log_shows_what_was_decided_on_what_and_what_was_rejected(client: Client) -> None:
    car = running()
    rejected = [["peak", 0.0, "peak_no_room", {"load_w": 3400, "limit_w": 2500, "until_at": timezone.now().timestamp()}]]
    decide(car, rejected=rejected, inputs={"net_w": -640, "fresh": True, "stale": "", "level": 1.0, "switches": 3})
    switched(car, 0.0, "expired")
    said = text(client, "/control/loads/Car/")
    for words in (
        "Off: the surplus of 640 W has been below 1,200 W for 5 minutes. by the rule “strategy”",
        "Rejected Off month peak Off: this quarter has no room for 3,400 W",
        "import less injection −640 W",
        "fresh data yes",
        "Car's plug switched off: nobody renewed its command.",
    ):
        assert words in said
    yesterday = today() - timedelta(days=1)
    assert "Nothing was decided on this day." in text(client, f"/control/loads/Car/?date={yesterday}")
    assert client.get("/control/loads/Car/?date=nonsense").status_code == 404
    assert client.get("/control/loads/Nobody/").status_code == 404


def test_a_row_of_another_version_does_not_break_the_log(client: Client) -> None:
    car = running()
    decide(
        car, code="of_long_ago", params={"x": 1}, rule="older", rejected=[["older", 1.0, "unheard_of", None]], inputs={"odd": [1, {"a": 2}]}
    )
    said = text(client, "/control/loads/Car/")
    assert "of_long_ago" in said
    assert "unheard_of" in said


# Data


def test_the_parts_of_the_page_carry_the_marks_that_it_was_made_with(client: Client) -> None:
    car = running()
    page, parts = html(client), client.get("/data/control/").json()["parts"]
    assert dict(re.findall(r'data-part="([^"]+)" data-mark="([^"]+)"', page)) == {key: mark for key, (mark, _html) in parts.items()}
    key = f"load-{car.pk}-now"
    assert "that the sun has to give" in parts[key][1]
    tick(car, level=0.0, code="mode_off")
    changed = client.get("/data/control/").json()["parts"]
    assert changed[key][0] != parts[key][0]
    assert changed["house"] == parts["house"]
    one = client.get("/data/control/?name=Car&log").json()["parts"]
    assert set(one) == {"house", key, f"load-{car.pk}-steer", "log"}


def test_the_tile_on_the_now_page_says_on_why_and_the_share_of_the_sun(client: Client) -> None:
    car = running()
    tick(car, solar_wh=4000)
    said = text(client, "/")
    assert "Car On 3.41 kW today 95 % sun On: the surplus of 3,640 W covers the 3,400 W that the sun has to give." in said
    tick(car, age_s=45)
    assert "Not known Nothing is decided since" in text(client, "/")
    tick(car, dry_run=True, read=0)
    assert "Dry-run: would be on" in text(client, "/")
    assert "Car" in json.loads(client.get("/data/control/?tile").content)["parts"]["tile"][1]


def test_the_tile_costs_the_now_page_no_statement(client: Client) -> None:
    running()
    html(client, "/")
    with CaptureQueriesContext(connection) as asked:
        html(client, "/")
    assert [one["sql"] for one in asked if "control_" in one["sql"]] == []


# Agents


def test_every_agent_stands_on_the_page_with_its_state(client: Client) -> None:
    car = running()
    agents.report(car.output.name, status="error", error="It does not answer.")
    said = text(client)
    assert re.search(r"Controllers Car runs .* ago", said)
    assert re.search(r"Outputs Car's plug in trouble .* ago It does not answer\.", said)
    assert "Meters Main not run yet" in said


# Health


def test_health_says_whether_something_holds_the_outputs_and_whether_off_is_off(client: Client) -> None:
    assert "outputs are held" not in text(client, "/health/")
    for told, expected in (
        ({"outputs": 4, "unsafe": 0}, "Outputs 4 outputs are held, told"),
        ({"outputs": 4, "unsafe": 1}, "1 should be off and nothing confirms it: see Control."),
    ):
        live.set_process_state("hold_outputs", told)
        assert expected in text(client, "/health/")
    live.client().hset(live.PROCESSES, "hold_outputs", json.dumps({"outputs": 1, "unsafe": 0, "at": timezone.now().timestamp() - 60}))
    assert "Outputs Nobody holds them since" in text(client, "/health/")
