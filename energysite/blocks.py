"""What a block of time is worth: energies, power, coverage, and the counters that prove it. Pure.

Times are whole epoch seconds, a block is [start, end). Registers are continuous values (Wh, l) in the order of the source's
registers, so energy = R(end) - R(start), and the energies of blocks in a row add up exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from energysite import timegrid
from energysite.registers import GAP, Point, between


class Sample(NamedTuple):
    """An accepted reading. A power (W; total, then the phases) is that of the time since the reading before it."""

    time: int
    registers: tuple[int | None, ...]
    powers: tuple[int | None, ...] = ()


class Power(NamedTuple):
    """W. `mean` is weighted by time over what is covered; None where nothing is known."""

    least: int | None = None
    mean: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """`energies`: None for a register that nothing is known of. `covered_s`: seconds within the cadence of a reading.

    `recovered`: readings around or in it lie further apart than 3 cadences; its energies are exact at the far ends of that gap,
    linear inside, and it never sets a peak, a minimum or a maximum. `counters`: R(end), proven by the reading at `proof`.
    """

    energies: tuple[int | None, ...]
    powers: tuple[Power, ...]
    covered_s: int
    length_s: int
    recovered: bool
    counters: tuple[int | None, ...]
    proof: int

    @property
    def coverage(self) -> float:
        return self.covered_s / self.length_s if self.length_s else 0.0


def condense(samples: Sequence[Sample], start: int, end: int, cadence_s: int, *, retired: bool = False) -> Values | None:
    """A block from the samples in it and one neighbour on each side (at or before `start`, at or after `end`), in order.

    None while nothing proves its end: no sample at or after `end`. A `retired` source's ends at its last sample. Before the
    first sample of a source nothing is known, so its first block begins there.
    """
    if not samples or (samples[-1].time < end and not retired):
        return None
    counters = tuple(_register(samples, i, end, retired=retired) for i in range(len(samples[0].registers)))
    begun = tuple(_register(samples, i, start, retired=retired) for i in range(len(samples[0].registers)))
    spans = list(_spans(samples, start, end, cadence_s))
    recovered = any(gap for _sample, _seconds, gap in spans)
    return Values(
        energies=tuple(None if low is None or high is None else high - low for low, high in zip(begun, counters, strict=True)),
        powers=tuple(_power(spans, i, start, end, recovered=recovered) for i in range(len(samples[0].powers))),
        covered_s=sum(seconds for _sample, seconds, _gap in spans),
        length_s=end - start,
        recovered=recovered,
        counters=counters,
        proof=next((sample.time for sample in samples if sample.time >= end), samples[-1].time),
    )


def _register(samples: Sequence[Sample], register: int, at: int, *, retired: bool) -> int | None:
    """R(at); before its first point what that one shows, after the last of a retired source what that one shows."""
    place = bisect_right(samples, at, key=lambda sample: sample.time)
    before = _point(reversed(samples[:place]), register)
    if before is not None and before.time == at:
        return before.value
    later = _point(iter(samples[place:]), register)
    if before is None:
        return None if later is None else later.value
    return before.value if later is None and retired else between(before, later, at)


def _point(samples: Iterator[Sample], register: int) -> Point | None:
    return next((Point(sample.time, value) for sample in samples if (value := sample.registers[register]) is not None), None)


def _spans(samples: Sequence[Sample], start: int, end: int, cadence_s: int) -> Iterator[tuple[Sample, int, bool]]:
    """Each sample with the seconds of the block that it speaks for, and whether a gap that touches the block lies before it."""
    for earlier, sample in pairwise(samples):
        low, high = max(earlier.time, start), min(sample.time, end)
        if low >= high:
            continue
        gap = sample.time - earlier.time > GAP * cadence_s
        if gap:
            low = max(low, sample.time - cadence_s)
        yield sample, max(high - low, 0), gap


def _power(spans: Sequence[tuple[Sample, int, bool]], channel: int, start: int, end: int, *, recovered: bool) -> Power:
    known = [(sample.time, power, seconds) for sample, seconds, _gap in spans if (power := sample.powers[channel]) is not None]
    weight = sum(seconds for _time, _power, seconds in known)
    if not weight:
        return Power()
    mean = _rounded(sum(power * seconds for _time, power, seconds in known), weight)
    inside = [power for time, power, seconds in known if seconds and start < time <= end]
    if recovered or not inside:
        return Power(None, mean, None)
    return Power(min(inside), mean, max(inside))


def _rounded(total: int, parts: int) -> int:
    """To the nearest whole, halves upwards; exact for any size."""
    return (2 * total + parts) // (2 * parts)


def summed(parts: Sequence[Values]) -> Values:
    """A day from its quarters, all of them, in order; any longer block from the shorter ones that fill it.

    A minimum, a maximum and a mean come from the parts that have them. ValueError without parts.
    """
    if not parts:
        raise ValueError("a sum of no blocks")
    last = parts[-1]
    return Values(
        energies=tuple(_sum_of_known([part.energies[i] for part in parts]) for i in range(len(last.energies))),
        powers=tuple(_joined([(part.powers[i], part.covered_s) for part in parts]) for i in range(len(last.powers))),
        covered_s=sum(part.covered_s for part in parts),
        length_s=sum(part.length_s for part in parts),
        recovered=any(part.recovered for part in parts),
        counters=last.counters,
        proof=last.proof,
    )


def _sum_of_known(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _joined(parts: Sequence[tuple[Power, int]]) -> Power:
    means = [(power.mean, seconds) for power, seconds in parts if power.mean is not None and seconds]
    weight = sum(seconds for _mean, seconds in means)
    return Power(
        least=min((power.least for power, _seconds in parts if power.least is not None), default=None),
        mean=_rounded(sum(mean * seconds for mean, seconds in means), weight) if weight else None,
        most=max((power.most for power, _seconds in parts if power.most is not None), default=None),
    )


def merged(stored: Values, computed: Values, *, raw_gone: bool = False) -> Values:
    """A block computed once more: nothing known is replaced by nothing.

    `raw_gone`: its own readings were thinned out, and `computed` comes from neighbouring end counters: energies and counters
    are taken, power and coverage stay as they were measured.
    """
    new = replace(
        computed,
        energies=_or_stored(computed.energies, stored.energies),
        counters=_or_stored(computed.counters, stored.counters),
    )
    if raw_gone:
        return replace(new, powers=stored.powers, covered_s=stored.covered_s, recovered=stored.recovered)
    return new


def _or_stored(computed: tuple[int | None, ...], stored: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return tuple(old if value is None else value for value, old in zip(computed, stored, strict=True))


def touched(before: int | None, time: int, after: int | None, length_s: int) -> range:
    """The starts of the blocks that a reading between its accepted neighbours changes: those that overlap (before, after).

    Where there is no neighbour, the reading itself is the edge. The block that ends at the reading and the one that begins
    there are among them, since it proves them both.
    """
    low, high = (time if before is None else before), (time if after is None else after)
    if low == time:
        low -= 1
    if high == time:
        high += 1
    return range(low - low % length_s, high, length_s)


def touched_days(before: int | None, time: int, after: int | None, zone: tzinfo) -> list[date]:
    """The local days of the quarters that it changes, in order."""
    starts = touched(before, time, after, timegrid.QUARTER_S)
    first, last = (timegrid.local_day(datetime.fromtimestamp(starts[i], UTC), zone) for i in (0, -1))
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
