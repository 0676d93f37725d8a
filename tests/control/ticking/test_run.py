"""A tick on real servers: snapshot, decision, lease and record; whose turn it is, and what it remembers."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from control.models import Commander, Controller, ControllerDay, Decision, Override, Switch
from control.ticking import copied, overrides, recording
from control.ticking.run import Ticker
from energysite import agent_states, agents, database, live
from energysite.models import Notice
from tests.control.ticking.house import ANN, BOB, NOON, fresh, held, leases, make_controller, make_output, say, wipe
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
START = 5000.0
WAIT_S = 700  # after a start, with its stagger


@pytest.fixture(autouse=True)
def _nothing_told():
    wipe()
    yield
    wipe()


class House:
    """A running house: `pass_s` lets time go on, ten seconds a tick, a telegram each."""

    def __init__(self, ticker: Ticker | None = None, **meter: Any) -> None:
        self.second = 0.0
        self.clock = START
        self.ticker = ticker or self.another()
        self.meter = {"import_w": 0, "export_w": 3000, "quarter_w": 0, "month_peak_w": 4000, **meter}
        self.number = 0
        self.device: dict[str, Any] = {}

    def another(self) -> Ticker:
        return Ticker(clock=lambda: self.clock)

    def tell(self, *, meter: bool = True) -> None:
        if meter:
            self.number += 1
            fresh(self.number)
            say("Main", NOON.timestamp() + self.second, **self.meter)
        held("Car plug", at=self.second, **self.device)

    def tick(self, ticker: Ticker | None = None, **more: Any) -> Any:
        self.clock = START + self.second
        return (ticker or self.ticker).run(NOON + timedelta(seconds=self.second), self.clock, **more)

    def pass_s(self, seconds: float, every_s: float = 10) -> Any:
        ran = None
        until = self.second + seconds
        while self.second < until:
            self.second += every_s
            self.tell()
            ran = self.tick() or ran
            if ran and "Car plug" in ran.leases:
                self.device["level"] = self.device["read"] = json.loads(ran.leases["Car plug"])["level"]
        return ran


def newest() -> Decision:
    return Decision.objects.latest("time")


@pytest.fixture
def house() -> House:
    make_meter()
    make_controller(load_w=1000)
    return House()


def test_a_tick_decides_leases_tells_and_writes_down(house):
    ran = house.pass_s(20)
    lease = leases()["Car plug"]
    assert (lease["level"], lease["seconds"], lease["blind"]) == (0.0, 30.0, False)
    decision = ran.outcome.decisions[0]
    assert newest().code == decision.said.code
    assert live.last_frames()["Car"]["code"] == decision.said.code
    state = agent_states.read(live.client(), "Car")
    assert (state["code"], state["status"], state["late_s"]) == (decision.said.code, "off", 0.0)
    assert agent_states.read(live.client(), "Car plug")["status"] == "off"


def test_the_load_comes_on_with_the_sun_after_the_wait_of_a_start_by_rule_8(house):
    assert house.pass_s(60).outcome.decisions[0].level == 0
    ran = house.pass_s(WAIT_S, every_s=25)
    assert (ran.outcome.decisions[0].level, leases()["Car plug"]["level"]) == (1.0, 1.0)


def test_without_a_fresh_telegram_no_lease_is_written_or_renewed_by_rule_1(house):
    house.pass_s(20)
    house.second += 40
    house.tell(meter=False)
    assert house.tick() is not None
    assert leases() == {}
    assert newest().rule == "fresh"


def test_each_lease_has_a_higher_fence_and_number_by_rule_12(house):
    house.pass_s(20)
    first = leases()["Car plug"]
    house.pass_s(10)
    second = leases()["Car plug"]
    assert (second["fence"], second["seq"]) > (first["fence"], first["seq"])
    assert second["fence"] == Commander.objects.get().fence


def test_a_fence_goes_on_growing_when_the_clock_is_set_back_by_rule_12(house):
    house.pass_s(20)
    before = Commander.objects.get().fence
    house.second -= 3600
    house.clock += 10
    house.ticker.run(NOON + timedelta(seconds=house.second), house.clock + 3600)
    assert Commander.objects.get().fence == before + 1


def test_a_tick_that_comes_a_moment_after_another_is_none(house):
    house.pass_s(20)
    house.second += 3
    assert house.tick() is None
    assert house.tick(at_once=True) is not None


def test_a_controller_with_a_short_period_is_thought_about_in_its_own_slot(house):
    agents.set_config(ANN, "Car", {"period_s": 2}, 1)
    house.pass_s(20)
    house.second += 1
    assert house.tick() is None
    house.second += 2
    assert house.tick() is not None


def test_a_house_without_a_controller_asks_nothing_of_the_database(house):
    agents.set_config(ANN, "Car", {"enabled": False}, 1)
    house.pass_s(10)
    with CaptureQueriesContext(connection) as asked:
        house.second += 10
        assert house.tick() is None
    assert len(asked) == 0
    assert not Decision.objects.exists()


def test_a_controller_that_is_switched_off_takes_its_lease_back(house):
    house.pass_s(20)
    assert not leases()["Car plug"]["blind"]
    before = leases()["Car plug"]["fence"]
    agents.set_config(ANN, "Car", {"enabled": False}, 1)
    house.second += 10
    house.tick()
    told = leases()["Car plug"]
    assert (told["level"], told["blind"], told["fence"] > before) == (0.0, True, True), "off at once, not when its lease ends"
    house.second += 10
    house.tick()
    assert leases() == {}


def test_a_controller_in_dry_run_says_what_it_would_do_and_leases_nothing(house):
    agents.set_config(ANN, "Car", {"dry_run": True}, 1)
    ran = house.pass_s(WAIT_S + 60, every_s=25)
    assert ran.outcome.decisions[0].level == 1.0
    assert leases() == {}
    assert newest().dry_run
    assert agent_states.read(live.client(), "Car")["status"] == "dry_run"


def test_a_decision_is_written_when_it_changes_and_once_an_hour(house):
    house.pass_s(600)
    made = Decision.objects.count()
    codes = {(row.level, row.rule, row.code) for row in Decision.objects.all()}
    assert made <= len(codes) + 2
    house.meter |= {"export_w": 0, "import_w": 300}
    house.pass_s(900, every_s=25)
    quiet = Decision.objects.count()
    house.pass_s(3600, every_s=30)
    assert 1 <= Decision.objects.count() - quiet <= 2


def test_a_decision_keeps_what_it_was_made_of_and_what_was_rejected(house):
    house.pass_s(WAIT_S, every_s=25)
    row = newest()
    assert (row.inputs["net_w"], row.inputs["quarter_w"], row.inputs["limit_w"], row.inputs["fresh"]) == (-3000, 0, 4000, True)
    assert json.dumps([row.params, row.inputs, row.rejected])


def test_an_override_wins_at_once_and_is_leased_as_a_persons_by_rule_7(house):
    house.pass_s(20)
    overrides.begin(BOB, Controller.objects.get(), 1.0, None, NOON + timedelta(seconds=house.second))
    live.client().set(overrides.ASKED, "1")
    house.second += 2
    house.tell()
    ran = house.tick(at_once=True)
    assert not live.client().exists(overrides.ASKED), "who speaks from now on asks for another tick"
    assert (ran.outcome.decisions[0].rule, ran.outcome.decisions[0].level) == ("override", 1.0)
    lease = leases()["Car plug"]
    assert (lease["level"], lease["person"], lease["blind"]) == (1.0, True, False)


def test_an_override_survives_the_workers_restart_by_rule_7(house):
    house.pass_s(20)
    overrides.begin(BOB, Controller.objects.get(), 1.0, None, NOON + timedelta(seconds=house.second))
    house.pass_s(10)
    house.ticker = house.another()
    house.pass_s(10)
    assert leases() == {}, "no telegram is trusted yet; what was leased lasts until the next tick"
    ran = house.pass_s(10)
    assert (ran.outcome.decisions[0].rule, leases()["Car plug"]["level"]) == ("override", 1.0)


def test_an_override_ends_by_itself(house):
    overrides.begin(BOB, Controller.objects.get(), 0.0, NOON + timedelta(seconds=60), NOON)
    assert house.pass_s(50).outcome.decisions[0].rule == "override"
    assert house.pass_s(20).outcome.decisions[0].rule != "override"
    assert Override.objects.get().ended is not None


def test_a_button_at_the_device_becomes_an_override_and_is_not_fought_by_rule_7(house):
    house.pass_s(20)
    pressed_at = NOON.timestamp() + house.second + 4
    house.device = {"level": 1, "read": 1, "person": {"level": 1, "at": pressed_at, "count": 1}}
    ran = house.pass_s(10)
    over = Override.objects.get()
    assert (over.button, over.level, over.until.timestamp()) == (True, 1.0, pytest.approx(pressed_at + 7200))
    assert (ran.outcome.decisions[0].said.code, leases()["Car plug"]["level"]) == ("button_on", 1.0)
    house.pass_s(30)
    assert Override.objects.count() == 1, "one press is one override, however often it is told"


def test_a_switch_that_was_really_made_is_written_once(house):
    at = NOON.timestamp() + 4.25
    house.device = {"last": {"at": at, "level": 1.0, "cause": "leased"}}
    house.pass_s(40)
    row = Switch.objects.get()
    assert (row.time.timestamp(), row.level, row.cause) == (pytest.approx(at), 1.0, "leased")


def test_a_day_counts_hours_energy_and_whose_it_was(house):
    house.device = {"level": 1, "read": 1, "power_w": 1000, "energy_wh": None}
    house.meter |= {"import_w": 250, "export_w": 0}
    house.pass_s(400)
    day = ControllerDay.objects.get()
    assert day.on_s == pytest.approx(330, abs=70)
    assert day.energy_wh == pytest.approx(day.on_s / 3.6, abs=3)
    assert day.grid_wh == pytest.approx(day.energy_wh / 4, rel=0.01)
    assert day.solar_wh + day.grid_wh == pytest.approx(day.energy_wh)


def test_the_sun_goes_to_the_first_load_and_the_grid_to_the_last():
    shares = recording.share_of_grid({1: 2000.0, 2: 1000.0, 3: 500.0}, 1200)
    assert shares == {3: 1.0, 2: 0.7, 1: 0.0}
    assert recording.share_of_grid({1: 2000.0}, None) == {1: 1.0}, "without a meter nothing was the sun's for certain"
    assert recording.share_of_grid({1: 0.0}, 500) == {1: 0.0}


def test_a_start_of_the_worker_is_a_start_and_a_second_worker_goes_on_by_rule_8(house):
    house.pass_s(WAIT_S, every_s=25)
    assert house.device["level"] == 1
    second = house.another()
    house.second += 10
    house.tell()
    assert house.tick(second).outcome.decisions[0].said.code == "stale_never", "nobody has seen this process before"
    assert leases()["Car plug"]["level"] == 0, "off, then wait"
    house.device["level"] = house.device["read"] = 0
    house.second += 10
    house.tell()
    assert house.tick().outcome.decisions[0].level == 0
    assert second.memory is not None
    assert house.ticker.memory.started_mono == second.memory.started_mono, "the first one has heard of it"
    for _turn in range(20):
        for ticker in (second, house.ticker):
            house.second += 20
            house.tell()
            ran = house.tick(ticker)
    assert ran.outcome.decisions[0].level == 1.0


def test_what_lasts_is_kept_in_the_database(house):
    house.device = {"level": 0, "read": 0, "power_w": 400}
    assert house.pass_s(100).outcome.decisions[0].said.code == "stuck"
    house.device["power_w"] = 0
    house.ticker = house.another()
    assert house.pass_s(30).outcome.decisions[0].said.code == "stuck", "a start is no person who looked at it"


def test_nobody_decides_while_another_has_the_turn_by_rule_12(transactional_house):
    house = transactional_house
    from control.ticking.leases import TURN

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TURN])
    try:
        house.tell()
        assert house.tick() is None
    finally:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TURN])
        other.close()
    assert house.tick() is not None


@pytest.fixture
def transactional_house(transactional_db) -> House:
    wipe()
    make_meter()
    make_controller()
    return House()


def test_without_the_database_nothing_is_leased(house, monkeypatch):
    house.pass_s(20)
    monkeypatch.setattr(database, "_retry_at", float("inf"))
    house.second += 10
    house.tell()
    before = leases()
    with pytest.raises(database.DatabaseAway):
        house.tick()
    assert leases() == before, "what was leased runs out"


def test_a_tick_that_took_too_long_leases_nothing(house):
    house.pass_s(20)
    before = leases()
    slow = iter([0.0, 11.0, 12.0])
    house.ticker.clock = lambda: next(slow)
    house.second += 10
    house.tell()
    assert house.ticker.run(NOON + timedelta(seconds=house.second), START + house.second) is None
    assert leases() == before


def test_what_the_rules_are_alarmed_about_becomes_a_notice_and_ends(house):
    make_controller("Boiler", make_output("Boiler plug", max_w=3500), load="boiler", load_w=1000)
    house.device = {"level": 0, "read": 0, "power_w": 400}
    house.pass_s(200)
    notice = Notice.objects.get(code="stuck")
    assert (notice.recovered, notice.params["name"], notice.urgent) == (None, "Car", True)
    overrides.release(BOB, Controller.objects.get(name="Car").output)
    house.device = {"level": 0, "read": 0, "power_w": 0}
    house.pass_s(20)
    assert Notice.objects.get(code="stuck").recovered is not None


def test_a_pause_is_told_while_it_lasts_by_rule_7(house):
    house.device = {"paused": True}
    house.pass_s(20)
    assert Notice.objects.get(code="paused").recovered is None
    assert newest().code == "paused"
    house.device = {"paused": False}
    house.pass_s(10)
    assert Notice.objects.get(code="paused").recovered is not None


def test_a_copied_installation_decides_in_dry_run_and_asks_by_rule_12(house):
    house.pass_s(20)
    Commander.objects.update(machine="another one")
    ran = house.pass_s(20)
    assert (leases(), ran.loads[ran.active[0].load.id].dry_run, copied.is_copied()) == ({}, True, True)
    copied.answer(ANN, commands=True)
    house.pass_s(20)
    assert (set(leases()), copied.is_copied()) == ({"Car plug"}, False)


def test_a_copy_that_stays_one_has_all_its_controllers_in_dry_run_by_rule_12(house):
    Commander.objects.update_or_create(pk=1, defaults={"machine": "another one", "copied": True})
    with pytest.raises(agents.NotAllowed):
        copied.answer(BOB, commands=True)
    copied.answer(ANN, commands=False)
    house.pass_s(20)
    assert (leases(), Controller.objects.get().dry_run) == ({}, True)


def test_old_decisions_go():
    controller = make_controller()
    for days in (399, 401):
        Decision.objects.create(
            controller=controller, time=NOON - timedelta(days=days), level=0, wish=0, rule="mode", code="mode_off", dry_run=False
        )
    assert recording.forget_old(NOON) == 1
    assert Decision.objects.get().time == NOON - timedelta(days=399)
