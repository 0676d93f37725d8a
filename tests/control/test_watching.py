"""The look of each minute: who is silent, which output needs a person, where the quarter goes, what the disk and the backup do."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from control import keys, watching
from control.unsafe import Outputs
from energysite import agents, backup_watch, live
from energysite.models import House, Notice
from energysite.notify import machine, words
from energysite.place import Place
from meters import peak_ahead, silence
from meters.models import Meter
from meters.silence import Ears
from solar import silence as solar_silence

NOON = datetime(2026, 6, 2, 10, 30, tzinfo=UTC)
HOME = Place(50.85, 4.35, exact=True)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    watching.forget()
    live.client().flushdb()
    yield
    watching.forget()
    live.client().flushdb()


def open_causes() -> set[str]:
    return set(Notice.objects.filter(recovered=None).values_list("cause", flat=True))


def frame(received: float, **values: Any) -> dict[str, Any]:
    return {"source": "Main", "time": int(received), "received": received, **values}


def test_a_meter_is_silent_after_five_minutes_without_a_frame() -> None:
    ears, at = Ears(), NOON.timestamp()
    look = [bool(silence.found(ears, {"Main": 1}, {"Main": frame(at)}, at + s, 50 + s)) for s in range(0, 420, 60)]
    assert look == [False, False, False, False, False, True, True]
    assert not silence.found(ears, {"Main": 1}, {"Main": frame(at + 430)}, at + 431, 481)


def test_a_meter_that_was_never_heard_is_silent_five_minutes_after_the_start() -> None:
    ears = Ears()
    assert [bool(silence.found(ears, {"Main": 1}, {}, NOON.timestamp(), mono)) for mono in (0, 240, 300)] == [False, False, True]


def test_a_meter_that_was_silent_before_the_start_is_silent_at_once_and_a_slow_one_is_not() -> None:
    at = NOON.timestamp()
    frames = {"Main": frame(at - 400), "Slow": frame(at - 400)}
    assert list(silence.found(Ears(), {"Main": 1, "Slow": 300}, frames, at, 7)) == ["Main"]


def test_a_clock_that_was_set_makes_no_meter_silent() -> None:
    ears, at = Ears(), NOON.timestamp()
    silence.found(ears, {"Main": 1}, {"Main": frame(at)}, at, 0)
    assert not silence.found(ears, {"Main": 1}, {"Main": frame(at + 59)}, at + 7200, 60)


@pytest.mark.parametrize(("hour", "silent"), [(10, True), (2, False), (4, False)])
def test_an_inverter_is_missed_by_day_only(hour: int, silent: bool) -> None:
    at = NOON.replace(hour=hour).timestamp()
    found = solar_silence.found(Ears(), {"Roof": 10}, {"Roof": frame(at - 1900)}, HOME, at, 0)
    assert bool(found) is silent
    assert not solar_silence.found(Ears(), {"Roof": 10}, {"Roof": frame(at - 1900)}, None, at, 0), "no place, no day"


@pytest.mark.parametrize(
    ("minute", "import_w", "own_w", "ahead"),
    [
        (7, 9000, None, (5800, 3100)),
        (7, 9000, 6000, None),
        (7, 1000, None, None),
        (2, 9000, None, None),
        (14, 9000, None, None),
    ],
)
def test_a_quarter_that_heads_above_the_month_peak_is_seen_in_time(
    minute: int, import_w: int, own_w: int | None, ahead: tuple[int, int] | None
) -> None:
    at = (NOON + timedelta(minutes=minute)).timestamp()
    last = {"time": int(at), "quarter_w": 1000, "import_w": import_w, "month_peak_w": 3100}
    assert peak_ahead.expected(last, at, own_w) == ahead


def test_an_old_frame_tells_nothing_of_the_quarter() -> None:
    at = (NOON + timedelta(minutes=7)).timestamp()
    assert peak_ahead.expected({"time": int(at), "quarter_w": 9000, "import_w": 9000}, at + 31, None) is None


def test_rule_3_an_output_of_class_c_that_cannot_be_reached_is_danger_at_once() -> None:
    found = Outputs().found({"Heater": {"class": "C", "reachable": False, "level": 0.0}}, 0)
    assert [(one.code, one.urgent) for one in found.values()] == [("output_lost", True)]


def test_rule_3_one_that_switches_itself_off_is_told_of_when_it_lasts() -> None:
    outputs, held = Outputs(), {"Plug": {"class": "A", "reachable": False, "level": 1.0}}
    assert [len(outputs.found(held, mono)) for mono in (0, 59, 60)] == [0, 0, 1]
    assert outputs.found({"Plug": {"class": "A", "reachable": True, "level": 1.0, "read": 1.0}}, 61) == {}
    assert outputs.found(held, 62) == {}, "counted anew"


def test_an_output_that_stays_on_though_it_was_switched_off_is_danger() -> None:
    outputs, held = Outputs(), {"Plug": {"class": "A", "reachable": True, "level": 0.0, "read": 1.0}}
    assert [len(outputs.found(held, mono)) for mono in (0, 9, 10)] == [0, 0, 1]
    person = {"Plug": {**held["Plug"], "person": {"level": 1.0}}}
    assert outputs.found(person, 11) == {}, "somebody pressed its button"


@pytest.mark.parametrize("lock", ["over_temperature", "overpower", "stuck"])
def test_rule_9_what_is_locked_is_told_in_words(lock: str) -> None:
    found = Outputs().found({"Plug": {"class": "A", "reachable": True, "level": 0.0, "read": 0.0, "locked": lock}}, 0)
    (trouble,) = found.values()
    assert trouble.urgent
    assert words.sentence(trouble.code, trouble.params).startswith("Plug ")


@pytest.mark.django_db
def test_a_look_raises_what_is_wrong_and_ends_what_is_not(django_assert_max_num_queries: Any) -> None:
    agents.create(Meter, name="Main", connection="/dev/ttyUSB0")
    House.objects.update_or_create(pk=1)
    at = NOON.timestamp()
    live.publisher().frame("Main", frame(at - 301))
    live.client().hset(keys.HELD, "Heater", json.dumps({"class": "C", "reachable": False, "level": 0.0}))
    watching.look(NOON, 1000.0)
    assert open_causes() == {"meter silent:Main", "output:unreachable:Heater"}

    later = NOON + timedelta(minutes=1)
    live.publisher().frame("Main", frame(at + 59))
    live.client().hset(keys.HELD, "Heater", json.dumps({"class": "C", "reachable": True, "level": 0.0, "read": 0.0}))
    watching.look(later, 1060.0)
    assert open_causes() == set()
    with django_assert_max_num_queries(5):
        watching.look(later + timedelta(minutes=1), 1120.0)


@pytest.mark.django_db
def test_a_quarter_that_heads_for_a_new_peak_is_told_where_no_controller_guards_it() -> None:
    agents.create(Meter, name="Main", connection="/dev/ttyUSB0")
    now = NOON + timedelta(minutes=7)
    live.publisher().frame("Main", frame(now.timestamp(), quarter_w=1000, import_w=9000, month_peak_w=3100))
    watching.look(now, 1000.0)
    notice = Notice.objects.get(recovered=None)
    said = "This quarter-hour heads for 5,800 W, above the month peak of 3,100 W. Switch something off."
    assert words.sentence(notice.code, notice.params) == said


def test_what_the_rules_raise_is_told_in_the_words_of_the_decision_log() -> None:
    stuck = words.sentence("stuck", {"name": "Boiler", "power_w": 900, "rated_w": 1800})
    assert stuck == "Boiler: Locked: it is off and still draws power, its contact may be stuck. Look at it, then release it."
    assert words.sentence("not_heated", {"name": "Boiler", "days": 7}) == "Boiler was not heated to its end for 7 days."
    assert words.sentence("of a later version", {"name": "x"}) == "of a later version name=x"


@pytest.mark.django_db
def test_a_look_at_a_quiet_house_takes_a_few_milliseconds() -> None:
    agents.create(Meter, name="Main", connection="/dev/ttyUSB0")
    live.publisher().frame("Main", frame(NOON.timestamp()))
    watching.look(NOON, 1000.0)
    began = time.process_time()
    for _look in range(20):
        watching.look(NOON, 1001.0)
    assert (time.process_time() - began) / 20 < 0.005


@pytest.mark.django_db
def test_a_backup_that_fails_is_told_until_one_works(settings: Any, tmp_path: Path) -> None:
    settings.MODE_DIR = tmp_path
    assert machine.backup(NOON) == {}
    backup_watch.keep({"at": NOON.timestamp(), "ok": False, "error": "no room", "good": (NOON - timedelta(days=3)).timestamp()})
    (trouble,) = machine.backup(NOON).values()
    assert words.sentence(trouble.code, trouble.params) == "The backup of the night failed: no room Days since the last good one: 3."
    backup_watch.keep({"at": NOON.timestamp(), "ok": True, "good": NOON.timestamp()})
    assert machine.backup(NOON) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_disk_that_takes_no_writing_is_failing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert [one.code for one in machine.disks([tmp_path], probe=True).values()] == ["disk_failing"]


def test_a_disk_that_cannot_be_asked_is_failing_and_one_that_works_is_left_clean(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert [(one.code, one.urgent) for one in machine.disks([gone], probe=False).values()] == [("disk_failing", True)]
    assert machine.disks([tmp_path, tmp_path], probe=True) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_FREE", 1 << 60)
    (trouble,) = machine.disks([tmp_path], probe=False).values()
    assert trouble.code == "disk_full"
    assert "MB are free" in words.sentence(trouble.code, trouble.params)
