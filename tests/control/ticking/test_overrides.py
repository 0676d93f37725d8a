"""A person's word: who may give it, how long it stands, and that it is written down."""

from datetime import timedelta

import pytest

from control import queries
from control.models import Controller, Departure, Override
from control.ticking import overrides
from energysite import live
from energysite.agents import NotAllowed, Refused, StaleVersion, UnknownAgent
from energysite.models import AuditEntry
from energysite.permissions import STRANGER
from tests.control.ticking.house import ANN, BOB, EVE, NOON, make_controller, wipe

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_told():
    wipe()
    yield
    wipe()


@pytest.fixture
def car() -> Controller:
    return make_controller()


def test_an_override_lasts_two_hours_where_no_end_is_given_by_rule_7(car):
    made = overrides.begin(BOB, car, 1.0, None, NOON)
    assert (made.until - NOON, made.by, made.button, made.blind) == (2 * HOUR, "bob", False, False)


def test_an_override_lasts_a_day_at_most_by_rule_7(car):
    overrides.begin(BOB, car, 1.0, NOON + 24 * HOUR, NOON)
    with pytest.raises(Refused, match="24 hours"):
        overrides.begin(BOB, car, 1.0, NOON + 24 * HOUR + timedelta(seconds=1), NOON)


@pytest.mark.parametrize(
    ("level", "hours", "words"), [(1.0, -1, "past"), (1.0, 0, "past"), (1.5, 1, "between 0 and 1"), (-0.1, 1, "0 and 1")]
)
def test_what_is_no_override_is_refused_in_words(car, level, hours, words):
    with pytest.raises(Refused, match=words):
        overrides.begin(BOB, car, level, NOON + hours * HOUR, NOON)
    assert not Override.objects.exists()


@pytest.mark.parametrize("actor", [EVE, STRANGER])
def test_a_viewer_switches_nothing(car, actor):
    for attempt in (
        lambda: overrides.begin(actor, car, 1.0, None, NOON),
        lambda: overrides.end(actor, car, NOON),
        lambda: overrides.set_mode(actor, "Car", "on", 1),
        lambda: overrides.set_departures(actor, "Car", [], 1),
        lambda: overrides.release(actor, car.output),
    ):
        with pytest.raises(NotAllowed, match="Ask the owner"):
            attempt()
    assert not Override.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_last_word_counts_and_the_former_ends(car):
    overrides.begin(BOB, car, 1.0, None, NOON)
    overrides.begin(ANN, car, 0.0, NOON + HOUR, NOON + timedelta(minutes=5))
    first, second = Override.objects.order_by("pk")
    assert (first.ended, first.ended_by) == (NOON + timedelta(minutes=5), "ann")
    assert (second.level, second.ended) == (0.0, None)


def test_an_override_that_was_ended_leaves_the_rules_to_decide(car):
    overrides.begin(BOB, car, 1.0, None, NOON)
    assert overrides.end(ANN, car, NOON + HOUR) is True
    assert overrides.end(ANN, car, NOON + HOUR) is False
    assert Override.objects.get().ended_by == "ann"
    assert queries.overview(NOON + HOUR).controllers[0].override is None


def test_on_without_a_meter_is_a_named_persons_choice_by_rule_7(car):
    assert overrides.begin(BOB, car, 1.0, None, NOON, blind=True).blind
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.target, entry.detail["blind"]) == ("bob", "override begun", "Car", True)


def test_off_needs_no_meter_and_is_never_called_blind(car):
    assert not overrides.begin(BOB, car, 0.0, None, NOON, blind=True).blind


def test_a_button_stands_for_two_hours_from_when_it_was_pressed_by_rule_7(car):
    pressed = overrides.pressed(car.pk, car.output.name, 1.0, NOON, NOON + timedelta(seconds=9))
    assert pressed is not None
    assert (pressed.until, pressed.button, pressed.by) == (NOON + 2 * HOUR, True, "button")
    assert overrides.pressed(car.pk, car.output.name, 1.0, NOON, NOON + timedelta(seconds=19)) is None, "the same press, told again"
    assert overrides.pressed(car.pk, car.output.name, 1.0, NOON - 3 * HOUR, NOON) is None, "found after it was over"


def test_overrides_end_when_their_end_has_come(car):
    overrides.begin(BOB, car, 1.0, NOON + HOUR, NOON)
    assert overrides.end_past(NOON + timedelta(minutes=59)) == 0
    assert overrides.end_past(NOON + HOUR) == 1
    assert Override.objects.get().ended == NOON + HOUR


def test_a_mode_is_set_by_a_member_with_the_version_that_was_seen(car):
    assert overrides.set_mode(BOB, "Car", "off", 1).version == 2
    with pytest.raises(StaleVersion, match="version 2, you had 1"):
        overrides.set_mode(BOB, "Car", "on", 1)
    assert Controller.objects.get().mode == "off"
    assert AuditEntry.objects.get().detail["changed"] == {"mode": ["auto", "off"]}


@pytest.mark.parametrize(("name", "mode", "error"), [("Car", "boost", Refused), ("Cat", "on", UnknownAgent), ("Car\0", "on", UnknownAgent)])
def test_a_mode_or_a_name_that_is_none_is_told(car, name, mode, error):
    with pytest.raises(error):
        overrides.set_mode(BOB, name, mode, 1)


def test_a_plan_is_replaced_as_a_whole(car):
    overrides.set_departures(BOB, "Car", [{"day": 1, "by": "07:30", "kwh": 14}, {"day": 5, "by": "07:30", "kwh": 9.5}], 1)
    assert [str(one) for one in Departure.objects.all()] == ["Monday 07:30: 14 kWh", "Friday 07:30: 9.5 kWh"]
    assert overrides.set_departures(BOB, "Car", [{"day": 7, "by": "10:00", "kwh": 3}], 2).version == 3
    assert [one.day for one in Departure.objects.all()] == [7]


@pytest.mark.parametrize(
    "row", [{"day": 8, "by": "07:30", "kwh": 1}, {"day": 1, "by": "25:00", "kwh": 1}, {"day": 1, "by": "07:30", "kwh": 0}, {}]
)
def test_a_departure_that_is_none_leaves_the_plan_as_it_was(car, row):
    overrides.set_departures(BOB, "Car", [{"day": 1, "by": "07:30", "kwh": 14}], 1)
    with pytest.raises(Refused):
        overrides.set_departures(BOB, "Car", [row], 2)
    assert Departure.objects.count() == 1


def test_a_flood_of_words_asks_for_one_tick_at_a_time(car, django_capture_on_commit_callbacks):
    def waiting() -> int:
        return live.client().llen("celery")

    with django_capture_on_commit_callbacks(execute=True):
        for _press in range(20):
            overrides.begin(BOB, car, 1.0, None, NOON)
    assert waiting() == 1
    overrides.heard()
    with django_capture_on_commit_callbacks(execute=True):
        overrides.end(BOB, car, NOON)
    assert waiting() == 2, "what is said after it began needs another one"


def test_what_was_locked_is_released_by_a_member_by_rule_9(car):
    overrides.release(BOB, car.output)
    car.output.refresh_from_db()
    assert car.output.release == 1
    assert AuditEntry.objects.get().action == "output released"
