"""Rule 2: is what the meter says true now? Judged on each telegram, on a clock that is never set. Pure.

Fresh is a telegram with a time later than the last fresh one, whose time runs with our clock, and whose counters moved as its power said.
Whoever needs it counts the seconds itself from when it first saw a new number: nothing here is timed by a clock of the day.

A telegram can be late, never early. So a higher difference (meter time - our clock) is believed once 10 telegrams in a row agree on it;
a lower one is a backlog, unless the computer's synchronised clock bears witness that the meter is right.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Protocol

from meters.p1.telegram import Telegram

# Keys in Valkey: the last number of each meter, and why its telegrams do not count.
FRESH = "control:fresh"
STALE = "control:stale"

FRESH_S = 30.0
NEVER, REPEATED, CLOCK, COUNTERS, FROZEN = "never", "repeated", "clock", "counters", "frozen"

MEDIAN_OF = 61
OFF_S = 10.0
DRIFT = 200e-6  # of the meter's clock and ours, both
APART_S = 1.0  # a burst of telegrams that agree is one witness
WARM, WARM_S = 3, 2.0  # so many, over so long, before the first one counts
AGREE = 10
WITNESS_S = 10.0
FROZEN_S = 300.0
SPAN_S = 120.0
LEAST_WH, SHARE = 20.0, 0.3
BREAK_S = 30.0  # what happened in a longer pause nobody measured
FLUTTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One valid telegram. `time`: the meter's own, epoch, None where it has none; `mono`: when it came; `body`: what is compared where
    there is no time. Wh are the sums of the registers; None: not told. `wall`: epoch of a synchronised system clock, else None."""

    time: float | None
    mono: float
    body: bytes = b""
    import_wh: int | None = None
    export_wh: int | None = None
    power_w: int | None = None
    wall: float | None = None


class Running:
    """Does the meter's time run with our clock? Empty where it does, `clock` where not, `never` while too little is known."""

    def __init__(self) -> None:
        self.learned = 0  # how often it was learned anew
        self._offsets: deque[float] = deque(maxlen=MEDIAN_OF)
        self._first = float("-inf")
        self._best = self._best_at = 0.0  # the highest median, and when: a line that lags more and more takes the median with it
        self._stray: list[float] = []
        self._strayed = float("-inf")

    def fault(self, sample: Sample) -> str:
        assert sample.time is not None
        offset = sample.time - sample.mono
        if not self._offsets:
            self._begin([offset], sample.mono)
            return NEVER
        middle = median_low(self._offsets)
        best = self._best - DRIFT * (sample.mono - self._best_at)
        if abs(offset - middle) > OFF_S or offset < best - OFF_S:
            return self._astray(offset, middle, sample)
        self._stray.clear()
        self._offsets.append(offset)
        if middle >= best:
            self._best, self._best_at = middle, sample.mono
        warm = len(self._offsets) >= WARM and sample.mono - self._first >= WARM_S
        return "" if warm else NEVER

    def _begin(self, offsets: list[float], mono: float) -> None:
        self.learned += 1
        self._offsets.clear()
        self._offsets.extend(offsets)
        self._first = self._best_at = mono
        self._best = median_low(offsets)
        self._stray.clear()

    def _astray(self, offset: float, middle: float, sample: Sample) -> str:
        assert sample.time is not None
        witnessed = sample.wall is not None and abs(sample.time - sample.wall) <= WITNESS_S
        if not (offset > middle or witnessed):
            self._stray.clear()
            return CLOCK
        if self._stray and abs(offset - self._stray[0]) > OFF_S:
            self._stray.clear()
        if sample.mono - self._strayed >= APART_S or not self._stray:
            self._stray.append(offset)
            self._strayed = sample.mono
        if len(self._stray) < AGREE:
            return CLOCK
        self._begin(self._stray[:], sample.mono)
        self._first = float("-inf")  # so many agree: it is warm
        return ""


class Moving:
    """Did the counters move over 2 minutes as the power said, within max(20 Wh, 30 %)?"""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, float]] = deque()  # when, net Wh, power integrated so far in Wh
        self._power_w = 0

    def agrees(self, sample: Sample) -> bool:
        if sample.import_wh is None or sample.power_w is None:
            return True
        net_wh = sample.import_wh - (sample.export_wh or 0)
        # By the meter's own time: a backlog that comes in a burst is judged as if it had come in time.
        now = sample.mono if sample.time is None else sample.time
        points = self._points
        if points and not 0 <= now - points[-1][0] <= BREAK_S:
            points.clear()
        said_wh = 0.0
        if points:
            said_wh = points[-1][2] + (self._power_w + sample.power_w) / 2 * (now - points[-1][0]) / 3600
        points.append((now, net_wh, said_wh))
        self._power_w = sample.power_w
        while len(points) > 2 and now - points[1][0] >= SPAN_S:
            points.popleft()
        began, first_wh, first_said = points[0]
        if now - began < SPAN_S:
            return True
        expected = said_wh - first_said
        return abs(net_wh - first_wh - expected) <= max(LEAST_WH, SHARE * abs(expected))


class Judge:
    """One meter's. `judge` each valid telegram in order of arrival: empty, or the code of why it does not count."""

    def __init__(self) -> None:
        self._running, self._moving = Running(), Moving()
        self._before: float | None = None  # the meter's time in the telegram before
        self._accepted = float("-inf")
        self._body: bytes | None = None
        self._body_since = 0.0

    def judge(self, sample: Sample) -> str:
        if sample.time is None:
            if sample.body != self._body:
                self._body, self._body_since = sample.body, sample.mono
            if sample.mono - self._body_since >= FROZEN_S:
                return FROZEN
            return "" if self._moving.agrees(sample) else COUNTERS
        if sample.time == self._before:
            return REPEATED
        self._before = sample.time
        moving = self._moving.agrees(sample)
        learned = self._running.learned
        if fault := self._running.fault(sample):
            return fault
        if self._running.learned != learned:
            self._accepted = float("-inf")  # another clock: it may have been set back
        if sample.time <= self._accepted:
            return REPEATED
        self._accepted = sample.time
        return "" if moving else COUNTERS


@dataclass(frozen=True, slots=True)
class Word:
    """What is written: a `number` that was never there before, and `stale`: a code, "" to take it away, None to leave it."""

    number: int | None = None
    stale: str | None = None


NOTHING = Word()


class Teller:
    """One meter's, from telegrams to what Valkey is told. `number` grows over restarts as well: it begins at the epoch's milliseconds."""

    def __init__(self) -> None:
        self._judge = Judge()
        self._number = 0
        self._passed = float("-inf")
        self._stale: str | None = None

    def hear(self, sample: Sample, wall: float) -> Word:
        """`wall`: epoch, synchronised or not."""
        return self.word(self._judge.judge(sample), sample.mono, wall)

    def word(self, code: str, mono: float, wall: float) -> Word:
        if not code:
            self._passed = mono
            self._number = max(self._number + 1, int(wall * 1000))
            cleared, self._stale = self._stale != "", ""
            return Word(self._number, "" if cleared else None)
        # The same telegram twice within seconds is how some meters are polled.
        if code == self._stale or mono - self._passed < FLUTTER_S:
            return NOTHING
        self._stale = code
        return Word(None, code)


class Pipe(Protocol):
    """A pipeline of Valkey."""

    def hset(self, name: str, key: str, value: str) -> Any: ...

    def hdel(self, name: str, *keys: str) -> Any: ...


def write(pipe: Pipe, meter: str, word: Word) -> None:
    if word.number is not None:
        pipe.hset(FRESH, meter, str(word.number))
    if word.stale:
        pipe.hset(STALE, meter, word.stale)
    elif word.stale is not None:
        pipe.hdel(STALE, meter)


def sample_of(telegram: Telegram, mono: float, wall: float | None) -> Sample:
    imported, exported = (
        None if day is None and night is None else (day or 0) + (night or 0)
        for day, night in ((telegram.import_t1_wh, telegram.import_t2_wh), (telegram.export_t1_wh, telegram.export_t2_wh))
    )
    power = None if telegram.import_w is None and telegram.export_w is None else (telegram.import_w or 0) - (telegram.export_w or 0)
    at = None if telegram.time is None else telegram.time.timestamp()
    return Sample(at, mono, telegram.raw, imported, exported, power, wall)
