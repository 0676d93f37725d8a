"""Outputs that come, change and go: the holder's core under a simulated clock."""

from tests.control.holding.simulated import Plug, Time, World, world


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


def test_rule_8_a_new_address_of_the_same_plug_forgets_neither_its_switches_nor_its_last_one() -> None:
    time = Time()
    here = World(plug=Plug(time, has_timer=False), moved=Plug(time, has_timer=False, level=1.0))
    del here.settings["moved"]
    here.publish()
    here.on("plug")
    before = here.held("plug")
    here.lease["plug"] = (0.0, {})
    here.settings["plug"] = {**here.settings["plug"], "address": "http://moved"}
    here.publish()
    here.run(3)
    after = here.held("plug")
    assert (after["life"], after["today"]) == (before["life"] + 1, before["today"] + 1)
    assert after["last"]["level"] == 0
    assert after["last"]["at"] > before["last"]["at"]
    assert here.plugs["moved"].level == 0, "what stands at the new address is made safe first"


def test_a_new_password_opens_the_device_anew_and_switches_nothing() -> None:
    here, plug = world()
    here.on("plug")
    plug.said.clear()
    here.settings["plug"] = {**here.settings["plug"], "sealed": "another"}
    here.publish()
    here.run(40)
    assert plug.level == 1
    assert {what for _, what in plug.said} == {"1"}


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
