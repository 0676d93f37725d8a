"""What is leased, and what ends a lease: the holder's core under a simulated clock, a second a step."""

import pytest

from tests.control.holding.simulated import Plug, Time, World, world


def test_rule_1_everything_is_off_after_a_start_whatever_it_was() -> None:
    here, plug = world(level=1.0)
    here.run(1)
    assert plug.level == 0
    assert here.held("plug")["why"] == "start"


def test_rule_1_what_is_leased_is_switched_on_and_renewed_and_the_device_timer_is_never_longer_than_40_s() -> None:
    here, plug = world()
    here.on("plug")
    for _ in range(120):
        here.run(1)
        assert plug.level == 1
        assert plug.until is not None
        assert plug.until - here.time.mono <= 40
    assert here.held("plug")["why"] == "leased"
    assert here.held("plug")["read"] == 1


def test_rule_1_a_dead_commander_s_lease_runs_out_within_45_s() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.commander = False
    assert here.seconds_until(lambda: plug.level == 0) <= 32
    assert here.held("plug")["why"] == "expired"


def test_rule_2_a_silent_meter_ends_every_lease_within_45_s_though_the_commander_renews_it() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.meter = False
    assert here.seconds_until(lambda: plug.level == 0) <= 37
    assert here.held("plug")["why"] == "stale"


def test_rule_7_a_blind_lease_needs_no_telegram_and_still_ends() -> None:
    here, plug = world()
    here.meter = False
    here.on("plug", blind=True)
    here.run(100)
    assert plug.level == 1
    here.commander = False
    assert here.seconds_until(lambda: plug.level == 0) <= 32


def test_rule_1_a_lease_that_is_found_at_a_start_switches_nothing_on() -> None:
    here, plug = world()
    here.on("plug")
    here.commander = False
    here.start()
    here.run(29)
    assert plug.level == 0
    assert here.held("plug")["why"] == "start"


def test_rule_1_after_standing_still_a_lease_that_is_found_does_not_count() -> None:
    here, plug = world()
    here.on("plug")
    here.run(40, holder=False)  # SIGSTOP: the commander goes on
    assert plug.level == 0, "its own timer"
    here.commander = False
    here.run(20)
    assert plug.level == 0
    here.commander = True
    here.seconds_until(lambda: plug.level == 1, 30)


def test_valkey_away_leases_run_out_and_what_is_found_when_it_returns_does_not_count() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.bus.away = True
    assert here.seconds_until(lambda: plug.level == 0) <= 37
    here.bus.away = False
    here.commander = False
    here.renew()
    here.run(60)
    assert plug.level == 0


def test_rule_8_nothing_starts_by_itself_in_the_minute_after_a_start_but_a_person_s_wish_does() -> None:
    here, plug = world()
    here.lease["plug"] = (1.0, {})
    assert 55 <= here.seconds_until(lambda: plug.level == 1) <= 72
    here.start()
    here.lease["plug"] = (1.0, {"person": True})
    assert here.seconds_until(lambda: plug.level == 0) <= 1
    assert here.seconds_until(lambda: plug.level == 1) <= 12


def test_rule_8_three_starts_in_ten_minutes_keep_everything_off_for_ten() -> None:
    here, plug = world()
    for _ in range(2):
        here.start()
        here.run(5)
    here.lease["plug"] = (1.0, {"person": True})
    here.run(580)
    assert plug.level == 0
    assert here.held("plug")["why"] == "waiting"
    here.seconds_until(lambda: plug.level == 1, 40)


def test_rule_12_a_lower_fence_is_refused() -> None:
    here, plug = world()
    here.fence = 7
    here.on("plug")
    here.fence = 6
    here.seq += 1000
    here.lease["plug"] = (1.0, {"person": True})
    assert here.seconds_until(lambda: plug.level == 0) <= 32
    here.fence = 8
    here.seconds_until(lambda: plug.level == 1, 12)


def test_rule_1_sigterm_switches_off_and_leases_count_no_more() -> None:
    here, plug = world()
    here.on("plug")
    assert here.holder is not None
    here.holder.begin_stop()
    here.run(2)
    assert plug.level == 0
    assert here.holder.finished
    assert here.held("plug")["why"] == "stopped"


def test_a_clock_that_is_set_changes_nothing() -> None:
    here, plug = world()
    here.on("plug")
    for step in (-86_400.0, 3 * 86_400.0):
        here.time.wall_step += step
        here.run(60)
        assert plug.level == 1


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"fence": 9}', '{"fence": 9, "seq": 1, "level": 7, "seconds": 30}', '{"level": NaN}', "ÿ"]
)
def test_what_is_no_lease_is_refused_and_disturbs_no_other(text: str) -> None:
    here, plug = world()
    here.on("plug")
    here._write(leases={**here.bus.told.leases, "stranger": text.encode()})
    here.run(60)
    assert plug.level == 1


def test_a_lease_lives_no_longer_than_30_s_whatever_it_says() -> None:
    here, plug = world(has_timer=False)
    here.on("plug", seconds=3600)
    here.commander = False
    assert here.seconds_until(lambda: plug.level == 0) <= 32


def test_rule_8_switches_are_counted_for_today_and_for_life_also_over_a_start() -> None:
    here, _plug = world()
    here.on("plug")
    here.lease["plug"] = (0.0, {})
    here.run(15)
    assert (here.held("plug")["today"], here.held("plug")["life"]) == (2, 2)
    here.on("plug")
    here.start()
    here.run(2)
    assert (here.held("plug")["today"], here.held("plug")["life"]) == (4, 4), "on, and off by the start"
    assert here.held("plug")["last"]["cause"] == "start"
    here.time.wall_step += 86_400
    here.run(1)
    assert (here.held("plug")["today"], here.held("plug")["life"]) == (0, 4)


def test_rule_12_a_commander_that_was_replaced_leases_nothing_more_not_even_what_nobody_else_leases() -> None:
    time = Time()
    one, other = Plug(time), Plug(time)
    here = World(one=one, other=other)
    here.fence = 8
    here.on("one")
    del here.lease["one"]
    here.fence = 7
    here.lease["other"] = (1.0, {"person": True})
    here.run(60)
    assert other.level == 0
