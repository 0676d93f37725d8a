"""Buttons, restarts, locks and devices that do not answer: the holder's core under a simulated clock."""

from tests.control.holding.simulated import Plug, Time, World, world


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
