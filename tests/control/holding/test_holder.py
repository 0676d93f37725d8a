"""The holder's core under a simulated clock: a second a step."""

from typing import Any

import pytest

from tests.control.holding.simulated import Plug, Time, World


def world(has_timer: bool = True, **options: Any) -> tuple[World, Plug]:
    plug = Plug(Time(), has_timer=has_timer, **options)
    return World(plug=plug), plug


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


def test_rule_7_a_person_s_button_is_told_and_not_fought() -> None:
    here, plug = world()
    here.on("plug")
    plug.press(0.0)
    here.seconds_until(lambda: here.held("plug")["person"] is not None, 12)
    assert here.held("plug")["person"]["level"] == 0
    assert here.held("plug")["why"] == "person"
    assert here.held("plug")["last"]["cause"] == "person"
    here.lease["plug"] = (0.0, {})  # the tick made an override of it
    here.run(60)
    assert plug.level == 0
    assert [what for at, what in plug.said if what == "1"][-1]
    assert here.held("plug")["person"] is None


def test_rule_7_on_by_a_person_is_kept_alive_by_the_override_s_lease_and_ends_with_it() -> None:
    here, plug = world()
    here.lease["plug"] = (0.0, {})
    here.run(15)
    plug.press(1.0)
    here.seconds_until(lambda: here.held("plug")["person"] is not None, 16)
    here.lease["plug"] = (1.0, {"person": True})
    here.run(100)
    assert plug.level == 1
    assert plug.until is not None
    here.lease["plug"] = None
    assert here.seconds_until(lambda: plug.level == 0) <= 42


def test_rule_4_the_fuse_wins_over_a_person_once_who_decides_knew_of_the_press() -> None:
    here, plug = world()
    here.lease["plug"] = (0.0, {})
    here.run(15)
    plug.press(1.0)
    here.seconds_until(lambda: here.held("plug")["person"] is not None, 16)
    assert here.seconds_until(lambda: plug.level == 0) <= 20


def test_rule_7_three_presses_in_ten_minutes_pause_it_until_a_person_releases_it() -> None:
    here, plug = world()
    here.on("plug")
    for _ in range(3):
        here.seconds_until(lambda: plug.level == 1, 30)
        plug.press(0.0)
        here.run(25)
    assert here.held("plug")["paused"]
    here.run(100)
    assert plug.level == 0
    here.settings["plug"]["release"] = 1
    here.publish()
    here.seconds_until(lambda: plug.level == 1, 20)
    assert not here.held("plug")["paused"]


def test_rule_9_a_device_that_restarted_is_commanded_off_first() -> None:
    here, plug = world()
    here.on("plug")
    plug.said.clear()
    plug.restart(level=1.0)
    here.seconds_until(lambda: bool(plug.said), 12)
    here.run(2)
    assert plug.said[0][1] == "0"
    assert here.held("plug")["last"]["cause"] == "restart"
    assert here.held("plug")["person"] is None


def test_a_device_timer_that_ran_out_is_nobody_s_press() -> None:
    here, plug = world()
    here.on("plug")
    plug.away = True
    here.run(60)
    plug.away = False
    here.lease["plug"] = (1.0, {})
    here.run(15)
    assert here.held("plug")["person"] is None


def test_rule_9_over_temperature_is_off_and_locked_until_a_person_releases_it_also_after_a_start() -> None:
    here, plug = world()
    here.on("plug")
    plug.trouble = "over_temperature"
    here.seconds_until(lambda: plug.level == 0, 12)
    plug.trouble = ""
    here.run(40)
    assert (plug.level, here.held("plug")["locked"]) == (0, "over_temperature")
    here.start()
    here.run(40)
    assert (plug.level, here.held("plug")["locked"]) == (0, "over_temperature")
    here.settings["plug"]["release"] = 1
    here.publish()
    here.seconds_until(lambda: plug.level == 1, 20)


def test_rule_10_off_but_drawing_for_a_minute_is_locked_and_cycled_no_more() -> None:
    here, plug = world()
    here.on("plug")
    plug.power_w = 2000
    here.lease["plug"] = (0.0, {})
    here.seconds_until(lambda: here.held("plug")["locked"] == "stuck", 100)
    plug.said.clear()
    here.lease["plug"] = (1.0, {})
    here.run(60)
    assert {what for _, what in plug.said} <= {"0"}
    assert len(plug.said) <= 1


def test_rule_3_an_unreachable_device_is_tried_every_5_s_and_told() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.commander = False
    plug.away = True
    here.run(60)
    assert not here.held("plug")["reachable"]
    assert here.held("plug")["error"] == {"text": "%(text)s", "params": {"text": "Nothing answers."}}
    assert here.held("plug")["unsafe_s"] >= 20
    plug.away = False
    assert here.seconds_until(lambda: plug.level == 0) <= 6
    assert here.held("plug")["unsafe_s"] == 0


def test_ten_devices_that_hang_delay_no_other() -> None:
    time = Time()
    plugs = {f"hung{i}": Plug(time, latency_s=60) for i in range(10)}
    fine = Plug(time, has_timer=False)
    here = World(**plugs, fine=fine)
    here.on("fine")
    here.commander = False
    assert here.seconds_until(lambda: fine.level == 0) <= 32


def test_an_output_that_is_removed_while_on_is_made_safe_with_the_settings_it_had() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    del here.settings["plug"]
    here.publish()
    here.run(2)
    assert plug.level == 0
    here.run(2)
    assert "plug" not in here.bus.held


def test_an_output_that_becomes_another_device_leaves_the_old_one_off() -> None:
    time = Time()
    old, new = Plug(time, has_timer=False), Plug(time, has_timer=False)
    here = World(plug=old, other=new)
    del here.settings["other"]
    here.publish()
    here.on("plug")
    here.settings["plug"] = {**here.settings["plug"], "address": "http://other"}
    here.publish()
    here.run(3)
    assert (old.level, new.level) == (0, 0)
    here.seconds_until(lambda: new.level == 1, 15)
    assert old.level == 0


def test_a_new_password_opens_the_device_anew_and_switches_nothing() -> None:
    here, plug = world()
    here.on("plug")
    plug.said.clear()
    here.settings["plug"] = {**here.settings["plug"], "sealed": "another"}
    here.publish()
    here.run(40)
    assert plug.level == 1
    assert {what for _, what in plug.said} == {"1"}


def test_a_driver_that_begins_anew_because_of_a_new_setting_is_nobody_s_press() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.settings["plug"] = {**here.settings["plug"], "state_path": "relay.0"}
    here.publish()
    here.holder_step()
    plug.level = 0.0
    here.run(12)
    assert plug.level == 1
    assert here.held("plug")["person"] is None


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


def test_settings_that_cannot_be_read_leave_everything_as_it_was() -> None:
    here, plug = world()
    here.on("plug")
    here._write(outputs=b'{"outputs": [')
    here.run(60)
    assert plug.level == 1
    here._write(outputs=None)
    here.run(60)
    assert plug.level == 1


def test_an_output_whose_controller_runs_dry_is_left_as_a_person_has_it() -> None:
    here, plug = world(level=1.0)
    here.settings["plug"]["controller"] = {"dry_run": True}
    here.publish()
    here.past.outputs = here.bus.told.outputs
    here.start()
    here.run(60)
    assert (plug.level, plug.said) == (1, [])
    assert here.held("plug")["read"] == 1
    assert here.holder is not None
    here.holder.begin_stop()
    here.run(2)
    assert (plug.level, here.holder.finished) == (1, True)


def test_dry_run_that_begins_while_it_is_on_ends_what_was_leased() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    here.settings["plug"]["controller"] = {"dry_run": True}
    here.publish()
    here.start()
    assert here.seconds_until(lambda: plug.level == 0) <= 2


def test_rule_12_a_copied_installation_commands_nothing_before_a_person_said_that_it_may() -> None:
    here, plug = world(level=1.0)
    here.past.outputs = here.bus.told.outputs
    here.past.elsewhere = True
    here.start()
    here.run(100)
    assert (plug.level, plug.said) == (1, [])
    here.lease["plug"] = (0.0, {})
    here.seconds_until(lambda: plug.level == 0, 12)
    assert not here.past.elsewhere


def test_a_device_that_came_back_after_it_was_without_power_and_tells_no_uptime_is_off_first() -> None:
    here, plug = world()
    here.on("plug")
    plug.tells_uptime = False
    here.run(12)
    plug.away = True
    here.run(12)
    plug.away = False
    plug.restart(level=0.0)
    here.run(12)
    assert here.held("plug")["person"] is None
    assert here.held("plug")["last"]["cause"] == "restart"


def test_a_device_that_moved_while_it_was_off_is_asked_once_at_its_old_address_and_forgotten() -> None:
    time = Time()
    old, new = Plug(time, has_timer=False), Plug(time, has_timer=False)
    here = World(plug=old, other=new)
    del here.settings["other"]
    here.publish()
    here.run(2)
    old.away = True
    here.settings["plug"] = {**here.settings["plug"], "address": "http://other"}
    here.publish()
    here.run(5)
    assert here.holder is not None
    here.holder.begin_stop()
    here.run(2)
    assert here.holder.finished


def test_an_output_that_is_removed_while_on_and_away_is_tried_until_it_is_off() -> None:
    here, plug = world(has_timer=False)
    here.on("plug")
    plug.away = True
    del here.settings["plug"]
    here.publish()
    here.run(300)
    assert here.held("plug")["why"] == "removed"
    assert here.held("plug")["unsafe_s"] > 250
    plug.away = False
    assert here.seconds_until(lambda: plug.level == 0) <= 6
    here.run(2)
    assert "plug" not in here.bus.held


def test_a_stop_waits_for_what_is_away_only_where_it_was_left_on() -> None:
    here, plug = world(has_timer=False)
    here.run(2)
    plug.away = True
    assert here.holder is not None
    here.holder.begin_stop()
    here.run(3)
    assert here.holder.finished
    plug.away = False
    here.start()
    here.on("plug")
    plug.away = True
    here.holder.begin_stop()
    here.run(60)
    assert not here.holder.finished
    assert here.holder.unsafe() == ["plug"]


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
