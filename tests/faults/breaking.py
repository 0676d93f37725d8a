"""The faults: what breaks, until when there is no ground for being on, and within how long an output of each class has to be off."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.site import FAMILIES, Site

SAFE_S = 45.0
# Rule 3, reported apart: counters that disagree with power, a frozen meter without a clock; rule 10 needs a minute to know of a contact.
COUNTERS_S, FROZEN_S = 120.0 + SAFE_S, 300.0 + SAFE_S
STUCK_S = 60.0 + 20.0  # and two looks of it
# Longer than any bound: what is not mended by then stays broken for the rest of the episode.
FOREVER_S = 10_000.0

OFF, TOLD = "off", "told"


@dataclass
class Broken:
    """One fault in one house. `mend` after `lasts_s`. `classes`: whom rule 3 promises something, `wants`: to be off, or that somebody is
    told. `once`: they have to be seen off once, whatever is mended."""

    lasts_s: float
    mend: Callable[[], None] = lambda: None
    classes: str = "ABC"
    within_s: float = SAFE_S
    wants: str = OFF
    once: bool = False
    each_second: Callable[[], None] = lambda: None


def _some_s(site: Site) -> float:
    """Shorter and longer than every bound."""
    return site.luck.choice((site.luck.uniform(1, 20), site.luck.uniform(30, 90), FOREVER_S))


# The meter


def meter_silent(site: Site) -> Broken:
    site.meter.silent = True
    return Broken(_some_s(site), lambda: setattr(site.meter, "silent", False))


def meter_frozen(site: Site) -> Broken:
    """One without a clock that says the same for ever."""
    site.meter.values_stand = True
    return Broken(FOREVER_S, within_s=FROZEN_S)


def meter_repeats(site: Site) -> Broken:
    site.meter.stands = True
    return Broken(_some_s(site), lambda: setattr(site.meter, "stands", False))


def meter_backlog(site: Site) -> Broken:
    """Telegrams come late, and then all of them, or late from then on."""
    site.late_s = site.luck.uniform(40, 400)
    return Broken(FOREVER_S)


def backlog_that_ends(site: Site) -> Broken:
    late_s = site.luck.uniform(40, 200)
    ends = site.time.mono + late_s

    def held_back() -> None:
        site.late_s = max(0.0, ends - site.time.mono)

    held_back()
    return Broken(late_s, held_back, each_second=held_back)


def counters_disagree(site: Site) -> Broken:
    """Its clock goes on; what it says of power is not what its counters count."""
    if site.luck.random() < 0.5:
        site.meter.values_stand = True
    else:
        site.meter.power_error_w = site.luck.choice((-1, 1)) * site.luck.randint(4000, 9000)
    return Broken(FOREVER_S, within_s=COUNTERS_S)


# Our processes


def worker_killed(site: Site) -> Broken:
    site.worker_runs = False
    return Broken(_some_s(site), site.restart_worker)


def worker_stopped(site: Site) -> Broken:
    site.worker_runs = False
    return Broken(_some_s(site), lambda: setattr(site, "worker_runs", True))


def reader_killed(site: Site) -> Broken:
    site.reader_runs = False
    return Broken(_some_s(site), site.restart_reader)


def holder_killed(site: Site) -> Broken:
    site.kill_holder(site.luck.uniform(0.3, 3))
    return Broken(3.0, once=True)


def holder_stopped(site: Site) -> Broken:
    site.holder_stopped = True
    return Broken(14.0, once=True)


def all_killed(site: Site) -> Broken:
    """`up` and everything below it: only what has a timer of its own is promised."""
    site.dead = True
    return Broken(FOREVER_S, classes="A")


# What they stand on


def database_down(site: Site) -> Broken:
    site.database_up = False
    return Broken(_some_s(site), lambda: setattr(site, "database_up", True))


def valkey_down(site: Site) -> Broken:
    site.valkey_up = False
    kept = site.luck.random() < 0.5

    def back() -> None:
        site.lose_valkey(kept=kept)
        site.valkey_up = True

    return Broken(_some_s(site), back)


def clock_set_and_meter_silent(site: Site) -> Broken:
    """By anything from seconds to days, a moment before or after the meter falls silent."""
    site.time.wall_step += site.luck.choice((-1, 1)) * 10 ** site.luck.uniform(1, 5.5)
    site.synchronised = False
    site.run(site.luck.randrange(5))
    site.meter.silent = True
    return Broken(FOREVER_S)


def meter_clock_set_and_silent(site: Site) -> Broken:
    site.meter.shift_s += site.luck.choice((-1, 1)) * 10 ** site.luck.uniform(1, 5)
    site.run(site.luck.randrange(15))
    site.meter.silent = True
    return Broken(FOREVER_S)


# The devices


def device_unreachable(site: Site) -> Broken:
    """A switches itself off; of C somebody is told, and it is tried until it is off (`device_returns`)."""
    for name in ("A", "C"):
        site.plugs[name].away = True
    return Broken(FOREVER_S, classes="A")


def class_c_unreachable(site: Site) -> Broken:
    site.plugs["C"].away = True
    return Broken(FOREVER_S, classes="C", wants=TOLD)


def device_returns(site: Site) -> Broken:
    """It was away while the meter fell silent: counted from when it can be reached again."""
    site.plugs["C"].away = True
    site.meter.silent = True
    site.run(site.luck.uniform(50, 300))
    site.plugs["C"].away = False
    return Broken(FOREVER_S, classes="C")


def device_restarts_on(site: Site) -> Broken:
    """Power fails at the device, which comes back switched on, by no command of ours."""
    for name in ("A", "C"):
        site.plugs[name].restart(1.0)
    return Broken(0.0, classes="AC", once=True)


def contact_stuck(site: Site) -> Broken:
    """It does as it is told, says so, and its load draws on; then there is no ground for it."""
    site.stuck.add("A")
    site.meter.silent = True
    return Broken(FOREVER_S, classes="A", wants=TOLD, within_s=SAFE_S + STUCK_S)


def device_disobeys(site: Site) -> Broken:
    """It says that it is on, whatever it is told."""
    for name in ("A", "C"):
        site.plugs[name].stuck = 1.0
    site.meter.silent = True
    return Broken(FOREVER_S, classes="C", wants=TOLD, within_s=SAFE_S + 20.0)


def ten_hang_and_meter_silent(site: Site) -> Broken:
    for plug in site.hangs.values():
        plug.latency_s = 5.0
    site.run(site.luck.randrange(1, 30))
    site.meter.silent = True
    return Broken(FOREVER_S)


def two_at_once(site: Site) -> Broken:
    """The meter falls silent, and within half a minute something else dies and comes back: what it finds then is old."""
    site.meter.silent = True
    site.run(site.luck.randrange(0, 30))
    what = site.luck.choice(("holder", "holder stopped", "worker", "reader", "valkey", "valkey empty"))
    if what == "holder":
        site.kill_holder(site.luck.uniform(0.3, 3))
    elif what == "holder stopped":
        site.holder_stopped = True
    elif what == "worker":
        site.restart_worker()
    elif what == "reader":
        site.restart_reader()
    else:
        site.lose_valkey(kept=what == "valkey")
    return Broken(FOREVER_S, once=True)


def valkey_returns_with_old_values(site: Site) -> Broken:
    """Of a minute ago, as from a snapshot on disk, while the meter is silent: no lease and no number in it is news."""
    old = copy.deepcopy(site.valkey)
    site.run(60)
    site.meter.silent = True
    site.valkey_up = False
    site.run(site.luck.randrange(1, 20))
    site.valkey, site.valkey_up = old, True
    return Broken(FOREVER_S)


def holder_killed_again_and_again(site: Site) -> Broken:
    """Three starts in ten minutes lock everything safe for ten."""
    kills = iter(range(5))
    site.kill_holder(1.0)

    def again() -> None:
        if site.holder is not None and next(kills, None) is not None:
            site.kill_holder(site.luck.uniform(0.3, 3))

    return Broken(FOREVER_S, each_second=again, once=True)


FAULTS: dict[str, Callable[[Site], Broken]] = {
    "meter silent": meter_silent,
    "meter frozen (no clock)": meter_frozen,
    "meter repeats a telegram": meter_repeats,
    "meter late for good": meter_backlog,
    "backlog in one burst": backlog_that_ends,
    "counters disagree with power": counters_disagree,
    "worker killed": worker_killed,
    "worker stopped": worker_stopped,
    "read_meters killed": reader_killed,
    "hold_outputs killed": holder_killed,
    "hold_outputs stopped": holder_stopped,
    "everything killed": all_killed,
    "database down": database_down,
    "Valkey down": valkey_down,
    "clock set, meter silent": clock_set_and_meter_silent,
    "meter's clock set, silent": meter_clock_set_and_silent,
    "device unreachable": device_unreachable,
    "class C unreachable": class_c_unreachable,
    "device returns": device_returns,
    "device restarts switched on": device_restarts_on,
    "contact stuck": contact_stuck,
    "device disobeys": device_disobeys,
    "ten hang, meter silent": ten_hang_and_meter_silent,
    "meter silent, and one more": two_at_once,
    "Valkey with old values": valkey_returns_with_old_values,
    "hold_outputs killed for ever": holder_killed_again_and_again,
}
assert set("ABC") == set(FAMILIES)
