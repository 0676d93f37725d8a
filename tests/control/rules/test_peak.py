"""Rule 5: the month peak."""

from control.rules.facts import Decision, Load, Window
from control.rules.guard import peak
from tests.control.rules.simulated import NOON, House

QUARTER_S = 900


def load(number: int = 1, load_w: int = 2000, kind: str = "ev", **given: object) -> Load:
    plain = {"name": f"load {number}", "rated_w": 9000, "strategy": Window(), "min_on_s": 60, "min_off_s": 60, "priority": number}
    return Load(number, kind=kind, load_w=load_w, **(plain | given))  # type: ignore[arg-type]


class Metered(House):
    """Its meter tells the quarter: energy so far / 900 s. The highest whole quarter is kept."""

    so_far_ws = 0.0
    highest_w = 0.0

    def step(self, seconds: float = 10.0) -> dict[int, Decision]:
        if self.at % QUARTER_S == 0:
            self.highest_w, self.so_far_ws = max(self.highest_w, self.so_far_ws / QUARTER_S), 0.0
        self.grid |= {"quarter_w": int(self.so_far_ws / QUARTER_S)}
        decided = super().step(seconds)
        drawn = sum(plug.draws_w * plug.level for plug in self.plugs.values())
        self.so_far_ws += max(0, self.base_w + drawn) * seconds
        return decided


def test_rule_5_a_load_stays_as_long_as_waiting_still_leaves_a_way_to_save_the_quarter() -> None:
    """2,000 W of load on 1,200 W of house: too much for the quarter from its start, and no reason to go before the last moment."""
    house = Metered(load(), base_w=1200)
    house.switch_on()
    ran_s = 0
    while house.is_on():
        house.step()
        ran_s += 10
        assert ran_s < QUARTER_S
    # (P + R) to the end with it: 1,200 + 300 of what is left; so t solves 3,200 t + 1,500 (900 - t) = 2,500 x 900.
    assert 500 <= ran_s <= 530
    house.run(QUARTER_S - ran_s)
    assert house.code() == "peak_shed" and not house.is_on()
    assert house.so_far_ws / QUARTER_S <= 2500
    assert house.decisions[1].next_at == NOON + QUARTER_S
    house.run(70)
    assert house.is_on(), "off until the next quarter, and no longer"


def test_rule_5_a_day_of_quarters_never_exceeds_the_limit_and_uses_what_there_is() -> None:
    house = Metered(load(), base_w=700)
    house.run(6 * QUARTER_S)
    assert 2350 <= house.highest_w <= 2500


def test_rule_5_without_the_meters_quarter_the_guard_counts_itself_and_says_so() -> None:
    house = House(load(), base_w=1200)
    house.switch_on()
    taken_ws = 0.0
    for _ in range(90):
        house.step()
        taken_ws += (1200 + 2000 * house.is_on()) * 10
    assert taken_ws / QUARTER_S <= 2500
    assert peak.told(house.snapshot().grid).code == "peak_counted"
    house.grid = {"quarter_w": 100, "quarter_own": True}
    assert peak.told(house.snapshot().grid).code == "peak_counted"
    house.grid = {"quarter_w": 100}
    assert peak.told(house.snapshot().grid).code == "peak_guarded"
    house.grid = {"fresh": False}
    assert peak.told(house.snapshot().grid).code == "peak_blind"


def test_rule_5_a_quarter_whose_beginning_nobody_saw_counts_as_if_it_had_been_like_now() -> None:
    house = House(load(), base_w=1200, at=NOON + 600)
    house.switch_on()
    house.step()
    assert not house.is_on()


def shed_of(house: House) -> set[int]:
    quarter = int(house.at // QUARTER_S)
    return {number for number in house.loads if house.memory.loads[number].shed_quarter == quarter}


def late(*loads: Load, base_w: int, so_far_w: int, on: tuple[int, ...]) -> House:
    """Five minutes before the end of a quarter."""
    house = House(*loads, base_w=base_w, at=NOON + 600)
    house.grid = {"quarter_w": so_far_w}
    for number in on:
        house.switch_on(number)
    house.step()
    return house


def test_rule_5_the_smallest_sufficient_set_goes_in_reverse_priority() -> None:
    # 1,900 W so far leave (2,500 - 1,900) x 900 / 300 = 1,800 W for the rest.
    small = late(load(1, 3000), load(2, 1000), load(3, 1000), base_w=-3500, so_far_w=1900, on=(1, 2, 3))
    assert shed_of(small) == set(), "1,500 W and the reserve: it fits"
    one = late(load(1, 3000), load(2, 1000), load(3, 1000), base_w=-2600, so_far_w=1900, on=(1, 2, 3))
    assert shed_of(one) == set(), "it does not fit, and waiting still leaves a way"


def no_way_left(*loads: Load, base_w: int) -> House:
    """(2,500 - 2,490) x 900 / 300 = 30 W are left: only what goes at once helps."""
    return late(*loads, base_w=base_w, so_far_w=2490, on=tuple(one.id for one in loads))


def test_rule_5_those_behind_go_first_and_who_is_needless_stays() -> None:
    assert shed_of(no_way_left(load(1), load(2), load(3), base_w=-4300)) == {3}
    assert shed_of(no_way_left(load(1), load(2), load(3), base_w=-3000)) == {2, 3}
    assert shed_of(no_way_left(load(1), load(2), load(3, 500), base_w=-2700)) == {2, 3}
    # The last one alone is too small, and needless once the one before it goes.
    assert shed_of(no_way_left(load(1), load(2), load(3, 500), base_w=-3000)) == {2}


def test_rule_5_all_that_may_go_go_when_none_suffice_and_the_new_peak_is_told_to_its_end() -> None:
    house = no_way_left(load(1), load(2), base_w=3000)
    assert shed_of(house) == {1, 2} and house.alarms == [], "a kettle is no peak"
    house.run(80)
    assert [(alarm.code, alarm.load) for alarm in house.alarms] == [("peak_ahead", 0)] * len(house.alarms) != []
    assert float(house.alarms[0].params["expected_w"]) > 2500
    house.alarms.clear()
    house.base_w = 100
    house.step()
    assert [alarm.code for alarm in house.alarms] == ["peak_ahead"]
    house.grid = {"quarter_w": 0}
    house.run(300)
    house.alarms.clear()
    house.step()
    assert house.alarms == []


def test_rule_5_after_some_went_it_waits_and_looks_again() -> None:
    house = no_way_left(load(1), load(2), load(3), base_w=-4300)
    house.at, house.mono, house.base_w = house.at - 5, house.mono - 5, -2300
    house.step(5)
    assert shed_of(house) == {3}, "5 s later: the meter may not show it yet"
    house.step()
    assert shed_of(house) == {2, 3}


def test_rule_5_a_load_is_shed_once_a_quarter() -> None:
    house = no_way_left(load(1), base_w=0)
    house.run(200)
    assert house.plugs[1].switches == 1


def test_rule_5_up_to_a_limit_of_its_own() -> None:
    allowed = load(peak="up_to", peak_up_to_w=4000)
    house = Metered(allowed, base_w=1200)
    house.run(3 * QUARTER_S)
    assert house.plugs[1].switches == 1, "3,200 W and the reserve stay below 4,000"
    strict = Metered(load(peak="never"), base_w=1200)
    strict.run(3 * QUARTER_S)
    assert strict.plugs[1].switches > 1


def test_rule_5_who_may_not_raise_the_peak_goes_before_who_may() -> None:
    house = no_way_left(load(1), load(2, peak="up_to", peak_up_to_w=4000), base_w=-1000)
    assert shed_of(house) == {1}


def test_rule_5_an_on_off_load_starts_only_in_a_quarter_it_can_finish_for_its_minimum_on() -> None:
    room = load(min_on_s=600)
    house = House(room, base_w=300)
    house.grid = {"quarter_w": 0}
    house.step()
    assert house.is_on()
    full = House(room, base_w=300, at=NOON + 30)
    full.grid = {"quarter_w": 1500}  # 1,000 W x 900 s are left: 2,600 W for 600 s need more
    full.step()
    assert (full.rule(), full.code()) == ("peak", "peak_no_room")
    assert full.decisions[1].next_at == NOON + QUARTER_S


def test_rule_5_a_minimum_on_that_reaches_into_the_next_quarter_has_to_fit_there_too() -> None:
    house = House(load(load_w=2100, min_on_s=1200), base_w=300, at=NOON + 840)
    house.grid = {"quarter_w": 100}
    house.step()
    assert house.code() == "peak_no_room", "this quarter has room for its last minute, the next one has not for the rest"
    house.loads[1] = load(load_w=2100, min_on_s=300)
    house.step()
    assert house.is_on()


def test_rule_5_two_that_start_at_once_do_not_count_on_the_same_room() -> None:
    house = House(load(1, 1500), load(2, 1500), base_w=300)
    house.grid = {"quarter_w": 0}
    house.loads = {number: load(number, 1500, min_on_s=900) for number in (1, 2)}
    house.step()
    assert (house.is_on(1), house.code(2)) == (True, "peak_no_room")


def test_rule_5_the_first_seconds_of_a_quarter_do_not_believe_a_register_of_the_last_one() -> None:
    house = House(load(), base_w=-1000, at=NOON + 5)
    house.grid = {"quarter_w": 2600}
    house.switch_on()
    house.step()
    assert house.is_on()


def test_rule_5_a_steady_import_above_the_limit_without_loads_moves_nothing() -> None:
    house = House(load(), base_w=6000)
    house.loads[1] = load(strategy=Window(0, 1))
    house.run(900)
    assert house.plugs[1].switches == 0
