"""Rule 2: which telegrams prove that the meter speaks now. A simulated meter and clock; once over the wire."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from energysite import live
from meters import freshness
from meters.configuration import MeterConfig
from meters.freshness import CLOCK, COUNTERS, FROZEN, NEVER, REPEATED, Judge, Sample, Teller
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.reader import Reader
from tests.emulators.telegrams import second_by_second
from tests.meters import captures
from tests.meters.rows import make_meter

AT = 1_800_000_000.0


class Meter:
    """Speaks every `every_s`; `off_s` is its clock's error, `mono` ours."""

    def __init__(self, every_s: float = 1.0, *, timed: bool = True) -> None:
        self.judge = Judge()
        self.every_s, self.timed = every_s, timed
        self.mono, self.off_s, self.late_s = 5000.0, 0.0, 0.0
        self.power_w, self.drift_ppm = 2000, 0.0
        self.energy_wh = 1_000_000.0
        self.counting = True
        self.wall = False

    def sample(self) -> Sample:
        self.mono += self.every_s
        if self.counting:
            self.energy_wh += self.power_w * self.every_s / 3600
        true = AT + self.mono
        time = round(true + self.off_s + self.mono * self.drift_ppm / 1e6) if self.timed else None
        body = f"{int(self.energy_wh)} {self.power_w}".encode()
        wall = true if self.wall else None
        return Sample(time, self.mono, body, int(self.energy_wh), 0, self.power_w, wall)

    def codes(self, seconds: float) -> list[str]:
        return [self.judge.judge(self.sample()) for _ in range(int(seconds / self.every_s))]


@pytest.fixture
def meter() -> Meter:
    found = Meter()
    found.codes(200)
    return found


@pytest.mark.parametrize("every_s", [1.0, 10.0])
@pytest.mark.parametrize("drift_ppm", [0.0, 100.0, -100.0])
def test_rule_2_a_meter_that_works_is_fresh_after_a_few_telegrams_and_stays_so(every_s: float, drift_ppm: float) -> None:
    meter = Meter(every_s)
    meter.drift_ppm = drift_ppm
    codes = meter.codes(7200)
    assert codes[:2] == [NEVER, NEVER], "one alone may be of any age"
    assert set(codes[4:]) == {""}


def test_rule_2_the_same_telegram_again_never_renews(meter: Meter) -> None:
    last = meter.sample()
    assert meter.judge.judge(last) == ""
    assert {meter.judge.judge(replace(last, mono=last.mono + i)) for i in range(1, 600)} == {REPEATED}


def test_rule_2_an_older_telegram_never_renews(meter: Meter) -> None:
    older, newer = meter.sample(), meter.sample()
    assert meter.judge.judge(newer) == ""
    assert meter.judge.judge(older) == REPEATED


def test_rule_2_a_backlog_that_comes_in_a_burst_is_fresh_only_where_it_has_caught_up(meter: Meter) -> None:
    kept = [meter.sample() for _ in range(300)]
    burst = [replace(sample, mono=meter.mono + i / 1000) for i, sample in enumerate(kept)]
    codes = [meter.judge.judge(sample) for sample in burst]
    assert set(codes[:285]) == {CLOCK}
    assert set(codes[-9:]) == {""}
    assert set(meter.codes(300)) == {""}


def test_rule_2_a_line_that_lags_five_minutes_for_ever_is_never_fresh(meter: Meter) -> None:
    kept = [meter.sample() for _ in range(3000)]
    lagging = [replace(sample, mono=sample.mono + 300) for sample in kept]
    assert {meter.judge.judge(sample) for sample in lagging} == {CLOCK}


def test_rule_2_a_line_that_lags_more_and_more_is_found(meter: Meter) -> None:
    kept = [meter.sample() for _ in range(600)]
    codes = [meter.judge.judge(replace(sample, mono=kept[0].mono + i * 1.25)) for i, sample in enumerate(kept)]
    assert codes[30] == ""
    assert set(codes[60:]) == {CLOCK}


def test_rule_2_a_meter_whose_clock_was_set_forward_is_believed_after_ten_telegrams(meter: Meter) -> None:
    meter.off_s = 3600
    codes = meter.codes(100)
    assert set(codes[:9]) == {CLOCK}
    assert set(codes[10:]) == {""}


def test_rule_2_a_meter_whose_clock_was_set_back_is_believed_where_a_synchronised_clock_says_so() -> None:
    meter = Meter()
    meter.off_s = 3600
    meter.codes(200)
    meter.off_s = 0
    assert set(meter.codes(200)) == {CLOCK}
    meter.wall = True
    assert set(meter.codes(100)[20:]) == {""}


def test_rule_2_a_step_of_the_computer_s_clock_changes_nothing(meter: Meter) -> None:
    meter.wall = True
    for step in (86_400.0, -86_400.0):
        codes = []
        for _ in range(100):
            sample = meter.sample()
            codes.append(meter.judge.judge(replace(sample, wall=(sample.wall or 0) + step)))
        assert set(codes) == {""}


@pytest.mark.parametrize("power_w", [2000, 10_000])
def test_rule_2_counters_that_stand_still_while_power_is_told_are_found_within_two_minutes(meter: Meter, power_w: int) -> None:
    meter.power_w = power_w
    meter.codes(200)
    meter.counting = False
    codes = meter.codes(130)
    assert COUNTERS in codes[:120]
    assert set(codes[120:]) == {COUNTERS}
    meter.counting = True
    assert set(meter.codes(300)[125:]) == {""}


def test_rule_2_power_that_is_frozen_while_counters_move_is_found_within_two_minutes(meter: Meter) -> None:
    meter.power_w = 5000
    codes = [meter.judge.judge(replace(meter.sample(), power_w=2000)) for _ in range(125)]
    assert codes[-1] == COUNTERS


def test_rule_2_a_load_that_goes_on_and_off_is_no_disagreement() -> None:
    for every_s in (1.0, 10.0):
        meter = Meter(every_s)
        codes = []
        for i in range(200):
            meter.power_w = (-3000, 4000, 100, 9000)[i % 4]
            codes += meter.codes(60)
        assert set(codes[4:]) == {""}


def test_rule_2_without_a_time_an_unchanged_body_is_frozen_after_five_minutes() -> None:
    meter = Meter(10.0, timed=False)
    assert set(meter.codes(600)) == {""}
    last = meter.sample()
    codes = {i: meter.judge.judge(replace(last, mono=last.mono + 10 * i)) for i in range(0, 60)}
    assert {i for i, code in codes.items() if code == FROZEN} == set(range(30, 60))
    assert all(code in ("", COUNTERS, FROZEN) for code in codes.values())


def telegrams(raw: bytes) -> Iterator[bytes]:
    return iter(Framer().feed(raw))


def test_rule_2_ten_minutes_of_a_real_meter_are_fresh_throughout() -> None:
    found = [decode(raw) for raw in telegrams(captures.read(captures.ISKRA))]
    samples = [freshness.sample_of(one, one.time.timestamp() - AT + 0.3, None) for one in found if one.valid and one.time is not None]
    judge = Judge()
    codes = [judge.judge(sample) for sample in samples]
    assert len(codes) > 500
    assert set(codes[4:]) <= {"", REPEATED}
    assert codes.count("") > 0.98 * len(codes)


def test_what_is_told_grows_over_restarts_and_a_reason_is_told_once() -> None:
    first, second = Teller(), Teller()
    one = first.word("", 1.0, 100.0)
    two = first.word("", 2.0, 99.0)
    assert one.number is not None
    assert two.number is not None
    assert one.number < two.number
    assert (one.stale, two.stale) == ("", None)
    assert first.word(REPEATED, 3.0, 100.0) is freshness.NOTHING, "polled twice"
    assert first.word(COUNTERS, 9.0, 100.0).stale == COUNTERS
    assert first.word(COUNTERS, 10.0, 100.0) is freshness.NOTHING
    again = second.word("", 11.0, 110.0)
    assert again.stale == ""
    assert again.number is not None
    assert again.number > two.number


@pytest.mark.django_db(transaction=True)
def test_a_telegram_s_number_stands_beside_its_live_frame_and_a_file_s_is_never_fresh() -> None:
    client = live.connect()
    client.delete(freshness.FRESH, freshness.STALE)
    config = MeterConfig(make_meter().name, "socket://127.0.0.1:9")
    raws = second_by_second(8)

    def numbers(config: MeterConfig) -> list[bytes | None]:
        reader = Reader(config, lambda _records: True, lambda *_rejected: None)
        found = []
        for i, raw in enumerate(raws):
            assert reader.handle(raw, AT + i, 100.0 + i)
            found.append(client.hget(freshness.FRESH, config.name))
        return found  # type: ignore[return-value]

    found = numbers(config)
    assert found[:2] == [None, None]
    kept = [int(number) for number in found[2:] if number is not None]
    assert len(kept) == 6
    assert kept == sorted(set(kept))
    assert client.hget(freshness.STALE, config.name) is None
    assert numbers(replace(config, name="file", connection="replay:capture.p1")) == [None] * 8
