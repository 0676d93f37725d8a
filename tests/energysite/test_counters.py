"""The six rules of a counter, each by name, then all of them against random faults on a known truth."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energysite.counters import Counter, Limits, Outcome, Rule, Verdict
from energysite.errors import BadReading
from energysite.registers import Cadence, CounterCycle, History, Point, Reading, between

T0 = 1_790_000_000
LIMIT_W = 9_200
STEP_S = 10


@dataclass
class House:
    """A Counter with its accepted readings; `answers`: what a person does when asked."""

    limits: tuple[Limits, ...] = (Limits(LIMIT_W),)
    answers: bool = False
    history: History = field(init=False)
    counter: Counter = field(init=False)
    accepted: dict[int, Reading] = field(default_factory=dict)
    held: dict[int, list[Reading]] = field(default_factory=dict)
    asked: int = 0

    def __post_init__(self) -> None:
        self.history = History(len(self.limits))
        self.counter = Counter(self.limits, self.history)

    def feed(self, reading: Reading) -> Verdict:
        verdict = self.counter.feed(reading, now=T0 + 10_000_000)
        if verdict.outcome is Outcome.ACCEPTED:
            self._keep(reading)
        elif verdict.episode is not None:
            self.held.setdefault(verdict.episode, []).append(reading)
        self.asked += verdict.asks
        if verdict.asks and self.answers:
            self.counter.confirm()
            for held in self.held.pop(verdict.episode or 0):
                self._keep(held)
        return verdict

    def _keep(self, reading: Reading) -> None:
        self.history.add(reading)
        self.accepted[reading.time] = reading

    def at(self, time: int, *values: int | None, serial: str = "") -> Verdict:
        return self.feed(Reading(T0 + time, values, serial))

    def run(self, start: int, value: int, count: int, step_s: int = STEP_S) -> list[Verdict]:
        """`count` readings, 1 Wh apart."""
        return [self.at(start + i * step_s, value + i) for i in range(count)]

    def counted(self, register: int = 0) -> list[tuple[int, int]]:
        """(time, continuous value) of what was accepted, by time."""
        points = [(time, reading.values[register]) for time, reading in sorted(self.accepted.items())]
        return [(time, self.counter.continuous(register, Point(time, value))) for time, value in points if value is not None]

    def total(self) -> int:
        points = self.counted()
        return points[-1][1] - points[0][1]


def test_a_rejected_reading_never_becomes_the_baseline():
    house = House()
    house.at(0, 1_000_000)
    assert house.at(10, 999_900).rule is Rule.DROP
    assert house.counter.state.baseline == [Point(T0, 1_000_000)]
    assert house.at(20, 1_000_020).outcome is Outcome.ACCEPTED
    assert house.total() == 20


def test_a_drop_says_its_figures():
    house = House()
    house.at(0, 1_000_000)
    verdict = house.at(10, 999_900)
    assert (verdict.outcome, verdict.episode) == (Outcome.REJECTED, T0 + 10)
    assert verdict.parameters == {"register": 0, "before": 1_000_000, "value": 999_900, "seconds": 10}


def test_sixty_lower_readings_over_five_minutes_ask_a_person_once_and_hold_the_energy():
    house = House()
    house.at(0, 1_000_000)
    verdicts = house.run(10, 0, 100)
    assert [v.outcome for v in verdicts[:59]] == [Outcome.REJECTED] * 59
    assert [v.asks for v in verdicts] == [False] * 59 + [True] + [False] * 40
    assert {v.outcome for v in verdicts[59:]} == {Outcome.PENDING}
    assert {v.episode for v in verdicts} == {T0 + 10}
    assert house.total() == 0
    candidate = house.counter.state.candidate
    assert candidate is not None
    assert candidate.pending == (99,)
    assert house.counter.confirm() == (CounterCycle(0, T0 + 10, 1_000_000),)
    assert house.at(1010, 100).outcome is Outcome.ACCEPTED
    assert house.total() == 100


def test_sixty_lower_readings_in_a_minute_are_not_enough():
    house = House()
    house.at(0, 1_000_000)
    assert not any(v.asks for v in house.run(1, 0, 299, step_s=1))
    assert [v.asks for v in house.run(300, 299, 2, step_s=1)] == [False, True]


def test_lower_readings_that_contradict_each_other_are_counted_anew():
    house = House()
    house.at(0, 1_000_000)
    house.run(10, 5_000, 59)
    house.at(600, 300)
    assert house.counter.state.candidate is not None
    assert house.counter.state.candidate.count == 1


def test_a_jump_within_a_level_in_doubt_is_no_part_of_it():
    house = House()
    house.at(0, 4_000_000)
    house.run(10, 0, 200)
    assert house.at(2010, 2_200).outcome is Outcome.REJECTED  # slow enough since the first, not since the last
    candidate = house.counter.state.candidate
    assert candidate is not None
    assert candidate.last.values == (199,)
    assert house.at(2020, 201).outcome is Outcome.PENDING


def test_a_return_to_the_old_level_ends_the_doubt():
    house = House()
    house.at(0, 1_000_000)
    house.run(10, 0, 50)
    assert house.at(510, 1_000_100).outcome is Outcome.ACCEPTED
    assert house.counter.state.candidate is None
    assert house.total() == 100


def test_a_level_that_a_person_dismissed_stays_rejected_and_is_not_asked_about_again():
    house = House()
    house.at(0, 1_000_000)
    house.run(10, 0, 60)
    house.counter.dismiss()
    verdicts = house.run(610, 60, 200)
    assert {(v.outcome, v.asks) for v in verdicts} == {(Outcome.REJECTED, False)}
    assert house.total() == 0


def test_another_serial_number_begins_a_new_cycle_at_once():
    house = House()
    house.at(0, 1_000_000, serial="old")
    verdict = house.at(10, 37, serial="new")
    assert (verdict.outcome, verdict.cycles) == (Outcome.ACCEPTED, (CounterCycle(0, T0 + 10, 999_963),))
    house.at(20, 47, serial="new")
    assert house.total() == 10
    assert house.at(5, 1_000_005, serial="old").rule is Rule.SEAM
    assert house.at(15, 1_000_015, serial="old").rule is Rule.SERIAL


def test_a_register_that_the_new_meter_names_later_goes_on_where_it_stood():
    house = House(limits=(Limits(), Limits()))
    house.at(0, 100, 500, serial="old")
    house.at(10, 1, None, serial="new")
    assert house.at(20, 2, 7, serial="new").cycles == (CounterCycle(1, T0 + 20, 493),)
    house.at(30, 3, 9, serial="new")
    assert house.counted(1)[-1] == (T0 + 30, 502)


def test_a_rise_faster_than_the_connection_allows_is_quarantined_and_refuted_by_what_follows():
    house = House()
    house.at(0, 1_000_000)
    assert house.at(10, 1_000_000 + 31).outcome is Outcome.ACCEPTED  # 9.2 kW x 10 s x 1.2 + 1 Wh
    verdict = house.at(20, 1_000_031 + 32)
    assert (verdict.outcome, verdict.rule) == (Outcome.QUARANTINED, Rule.RISE)
    assert house.at(30, 1_000_040).outcome is Outcome.ACCEPTED
    assert house.total() == 40


def test_a_rise_that_the_following_readings_confirm_is_put_to_a_person_and_adds_nothing_by_itself():
    house = House()
    house.at(0, 1_000)
    verdicts = house.run(10, 53_700_000, 61)
    assert {v.outcome for v in verdicts[:59]} == {Outcome.QUARANTINED}
    assert [v.asks for v in verdicts[58:]] == [False, True, False]
    house.counter.confirm()
    assert house.at(620, 53_700_061).outcome is Outcome.ACCEPTED
    assert house.total() == 61


def test_a_person_may_say_that_a_rise_was_energy():
    house = House()
    house.at(0, 1_000)
    house.run(10, 21_000, 60)
    assert house.counter.confirm(counted=True) == ()
    house.at(610, 21_060)
    assert house.total() == 20_060


def test_a_rise_in_a_long_gap_is_energy():
    house = House()
    house.at(0, 1_000)
    assert house.at(4 * 3600, 31_000).outcome is Outcome.ACCEPTED


def test_a_counter_that_began_at_zero_again_loses_nothing():
    house = House(limits=(Limits(LIMIT_W, modulus=1_000_000),))
    house.at(0, 999_990)
    house.run(10, 2, 60)
    assert house.counter.confirm() == (CounterCycle(0, T0 + 10, 1_000_000),)
    house.at(610, 62)
    assert house.total() == 72


def test_only_the_registers_that_dropped_begin_a_new_cycle():
    house = House(limits=(Limits(LIMIT_W), Limits(LIMIT_W)))
    house.at(0, 1_000_000, 500)
    for i in range(60):
        house.at(10 + 10 * i, i, 501 + i)
    assert [cycle.register for cycle in house.counter.confirm()] == [0]
    house.at(610, 60, 561)
    assert (house.counted(0)[-1][1], house.counted(1)[-1][1]) == (1_000_060, 561)


def test_one_register_that_dips_holds_back_the_whole_reading():
    house = House(limits=(Limits(LIMIT_W), Limits(LIMIT_W)))
    house.at(0, 1_000, 500)
    assert house.at(10, 1_010, 400).outcome is Outcome.REJECTED
    assert house.counter.state.baseline == [Point(T0, 1_000), Point(T0, 500)]


def test_a_gas_meter_stamped_1970_and_a_telegram_of_2000_are_rejected():
    house = House()
    for time in (0, 946_684_800, T0 + 20_000_000):
        verdict = house.feed(Reading(time, (5,)))
        assert (verdict.outcome, verdict.rule, verdict.parameters) == (Outcome.REJECTED, Rule.TIME, {"time": time})
    assert house.accepted == {}


def test_a_late_reading_fits_between_its_neighbours_or_is_rejected():
    house = House()
    house.at(0, 1_000)
    house.at(60, 1_060)
    assert house.at(30, 999).rule is Rule.DROP
    assert house.at(30, 1_061).rule is Rule.RISE
    assert house.at(59, 1_000).rule is Rule.DROP  # what is left would rise too fast
    assert house.at(30, 1_030).outcome is Outcome.ACCEPTED
    assert house.at(30, 1_030).outcome is Outcome.DUPLICATE
    assert house.at(30, 1_029).rule is Rule.CONFLICT
    assert house.at(-30, 980).outcome is Outcome.ACCEPTED


def test_a_replacement_with_its_final_and_first_value_is_exact():
    house = House()
    house.at(0, 1_000_000)
    assert house.counter.replaced(T0 + 60, [1_000_040], [3]) == (CounterCycle(0, T0 + 60, 1_000_037),)
    house.at(120, 53)
    assert house.total() == 90
    with pytest.raises(BadReading, match="after the replacement"):
        house.counter.replaced(T0 + 60, [60], [0])
    with pytest.raises(BadReading, match="does not follow"):
        house.counter.replaced(T0 + 180, [2], [0])
    with pytest.raises(BadReading, match="Nothing is waiting"):
        house.counter.confirm()


def test_many_readings_give_the_same_verdicts_as_one_by_one():
    readings = [Reading(T0 + 10 * i, (value,)) for i, value in enumerate([5, 6, 2, 7, 9_000_000, 8])]
    one = [House().counter.feed(readings[0], T0)]
    counter = Counter((Limits(LIMIT_W),), History(1))
    assert one[0].outcome is Outcome.ACCEPTED
    assert [(place, verdict.rule) for place, verdict in counter.feed_all(readings, T0)] == [(2, Rule.DROP), (4, Rule.RISE)]


def test_as_many_values_as_registers():
    with pytest.raises(ValueError, match="2 values for 1 registers"):
        House().at(0, 1, 2)


def test_a_boundary_is_the_reading_at_it_else_linear_rounded_down():
    assert between(Point(0, 100), Point(3, 105), 0) == 100
    assert [between(Point(0, 100), Point(3, 105), at) for at in (1, 2)] == [101, 103]
    assert between(Point(0, 100), None, 1) is None


@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 10_000)), min_size=1, max_size=20), st.data())
def test_the_energy_between_any_boundaries_adds_up_exactly(steps, data):
    times, values = [0], [0]
    for seconds, rise in steps:
        times.append(times[-1] + seconds)
        values.append(values[-1] + rise)
    history = History(1)
    for time, value in data.draw(st.permutations(list(zip(times, values, strict=True)))):
        history.add(Reading(time, (value,)))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, times[-1]), max_size=20))), times[-1]]
    bounds = []
    for cut in cuts:
        before, after = history.near(0, cut)
        assert before is not None
        bounds.append(between(before, after, cut) or 0)
    rises = [high - low for low, high in itertools.pairwise(bounds)]
    assert min(rises) >= 0
    assert sum(rises) == values[-1]


def test_the_cadence_is_the_median_of_the_last_twenty_intervals_or_what_was_set():
    cadence = Cadence()
    assert cadence.seconds is None
    for time in [*range(0, 10), *range(10, 220, 10), 215, 5_000]:
        cadence.learn(time)
    assert cadence.seconds == 10
    assert len(cadence.intervals) == 20
    assert Cadence(900, cadence.intervals).seconds == 900


FAULTS = st.sampled_from(["dip", "jump", "swap", "reset", "1970", "duplicate", "reorder"])


def disturbed(watts: list[int], faults: dict[int, tuple[str, int]]) -> tuple[list[Reading], dict[int, int]]:
    """What arrives of a known truth, and the truth: Wh by time."""
    truth: dict[int, int] = {}
    arrived: list[Reading] = []
    shift, serial, joules, wrong = 4_000_000, 0, 0, 0
    for i, w in enumerate(watts):
        joules += w * STEP_S
        time, real = T0 + i * STEP_S, joules // 3600
        truth[time] = real
        kind, size = faults.get(i, ("", 0))
        if kind == "swap":
            serial, shift = serial + 1, size * 1_000 - real
        elif kind == "reset":
            shift = -real
        elif kind in ("dip", "jump"):
            wrong = size if kind == "jump" else -size
        reading = Reading(time, (real + shift + wrong * 2_000,), f"meter {serial}")
        wrong -= (wrong > 0) - (wrong < 0)  # smaller with every reading: none goes on from another
        if kind == "1970":
            arrived.append(reading._replace(time=size))
        arrived.append(reading)
        if kind == "duplicate":
            arrived.append(reading)
        if kind == "reorder":
            arrived[-2:] = reversed(arrived[-2:])
    return arrived, truth


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, LIMIT_W), min_size=300, max_size=300),
    st.dictionaries(st.integers(0, 220), st.tuples(FAULTS, st.integers(1, 6)), max_size=8),
)
def test_random_faults_invent_no_energy_and_lose_none_but_between_two_cycles(watts, faults):
    arrived, truth = disturbed(watts, faults)
    house = House(answers=True)
    for reading in arrived:
        house.feed(reading)
    points = house.counted()
    begun = {cycle.since for cycle in house.counter.state.cycles}
    lost = 0
    for (time, value), (later, higher) in itertools.pairwise(points):
        real = truth[later] - truth[time]
        assert 0 <= higher - value <= real + 1
        if later in begun:
            lost += real - (higher - value)
        else:
            assert abs(real - (higher - value)) <= 1
    assert points[-1][0] == T0 + (len(watts) - 1) * STEP_S, "after the faults the counter counts on"
    assert abs(truth[points[-1][0]] - truth[points[0][0]] - lost - house.total()) <= 1
    if not any(kind in ("swap", "reset") for kind, _size in faults.values()) and 0 not in faults:
        assert lost == 0
        assert house.asked == 0
