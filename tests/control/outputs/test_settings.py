"""What may be configured: rules 3, 9, 11 and 12 of safety, and the demo's refusal."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from control.models import Controller, Output
from control.outputs import checking, families, pins, rating
from control.outputs.settings import Given
from energysite import agents, sealing
from energysite.errors import DeviceConfigError
from meters.models import AnalogInput

REAL = "http://192.168.1.30"


def make(name: str = "Plug", **fields: Any) -> Output:
    return agents.create(Output, **{"name": name, "family": "shelly2", "address": REAL, **fields})


def refused(**fields: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as told:
        make(**fields)
    return dict(told.value.message_dict)


def test_every_make_of_the_table_has_a_driver_and_the_other_way_round() -> None:
    assert {family.name for family in families.FAMILIES} == set(Output.Family.values)
    texts = {"on_request": "/1", "off_request": "/0", "topic": "t"}
    for family in families.FAMILIES:
        scheme = family.schemes[0] if family.schemes else "http"
        driver = families.open_output(Given(family.name, f"{scheme}://192.168.1.9:99", pin=4, **texts))  # type: ignore[arg-type]
        assert driver.family == family.name
        assert hasattr(driver, "wanted") == (family.name in families.SETTABLE)
        assert driver.has_timer == (family.safety_class == "A")


def test_rule_3_classes_are_those_of_the_devices() -> None:
    classes = {name: families.safety_class({"family": name, "set_up": {}}) for name in Output.Family.values}
    own_timer, nobody = ("shelly1", "shelly2"), ("tasmota", "homewizard", "http", "mqtt")
    assert classes == {**dict.fromkeys(own_timer, "A"), **dict.fromkeys(("gpio", "dry_run"), "B"), **dict.fromkeys(nobody, "C")}
    assert families.safety_class({"family": "tasmota", "set_up": {"now": {"pulse_s": 40}}}) == "A"
    assert families.safety_class({"family": "tasmota", "set_up": {"now": {"pulse_s": 600}}}) == "C", "too long to be safe within 45 s"


def test_a_password_of_another_installation_is_told() -> None:
    told = {"family": "shelly2", "address": REAL, "sealed": sealing.seal("mine", "secret")}
    assert families.open_driver(told, "mine").family == "shelly2"
    with pytest.raises(DeviceConfigError, match="another secret key"):
        families.open_driver(told, "theirs")
    assert "secret" not in repr(Given("shelly2", password="secret"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"address": ""}, "address"),
        ({"address": "socket://192.168.1.5:80"}, "address"),
        ({"address": "http://192.168.1.5/relay"}, "address"),
        ({"address": "http://ann:pw@192.168.1.5"}, "address"),
        ({"family": "gpio", "address": ""}, "pin"),
        ({"family": "http", "on_request": "/on"}, "off_request"),
        ({"family": "http", "on_request": "on", "off_request": "/off"}, "on_request"),
        ({"family": "http", "on_request": "/on", "off_request": "/off\r\nHost: x"}, "off_request"),
        ({"family": "http", "on_request": "/x", "off_request": "/x"}, "off_request"),
        ({"family": "http", "on_request": "/1", "off_request": "/0", "power_path": "w"}, "state_path"),
        ({"family": "mqtt", "address": "socket://192.168.1.5:1883", "topic": "cmnd/#", "username": "a", "password": "b"}, "topic"),
        ({"family": "mqtt", "address": "socket://192.168.1.5:1883", "topic": "x", "username": "a"}, "password"),
        ({"family": "mqtt", "address": REAL, "topic": "x", "username": "a", "password": "b"}, "address"),
    ],
)
def test_settings_that_a_make_cannot_use_are_refused_at_their_field(fields: dict[str, Any], wrong: str) -> None:
    assert wrong in refused(**fields)


@pytest.mark.django_db
def test_rule_12_one_output_of_a_device_however_its_address_is_written() -> None:
    assert make("First", address="192.168.1.30").address == REAL
    for address in (REAL, "HTTP://192.168.1.30:80/", "https://192.168.1.30", "http://192.168.1.30/"):
        assert "already" in str(refused(name="Second", address=address))
    assert "already" in str(refused(name="Second", family="tasmota"))
    assert "already" in str(refused(name="Second", family="http", on_request="/on", off_request="/off"))
    assert make("Second relay", channel=1).channel == 1
    assert make("Another port", address="http://192.168.1.30:8080").pk
    gateway = {"family": "http", "address": "http://192.168.1.40", "off_request": "/off"}
    assert make("Gateway 1", on_request="/1/on", **gateway).pk
    assert make("Gateway 2", on_request="/2/on", **gateway).pk
    assert "already" in str(refused(name="Gateway 3", on_request="/1/on", **gateway))


@pytest.mark.django_db
def test_rule_12_one_output_of_a_pin_and_nothing_left_of_another_make() -> None:
    assert make("Relay", family="gpio", pin=17, address=REAL, topic="x").address == ""
    assert "pin already" in str(refused(name="Relay 2", family="gpio", pin=17))
    assert make("Plug", pin=17).pin is None, "a Shelly has no pin"


@pytest.mark.django_db
def test_rule_11_pins_that_belong_to_others_are_refused() -> None:
    for pin in (14, 15):
        assert "serial console" in str(refused(family="gpio", pin=pin))
    assert make("Before", family="gpio", pin=8).pk
    agents.create(AnalogInput, name="Light", channel=0)
    for pin in (7, 9, 10, 11):
        assert "SPI" in str(refused(family="gpio", pin=pin))


@pytest.mark.django_db
def test_rule_11_a_pin_that_is_on_at_start_comes_with_what_to_do() -> None:
    low_is_on = Output(name="Board", family="gpio", pin=17, active_high=False)
    make("Taken", family="gpio", pin=5, active_high=False)
    told = checking.advice(low_is_on)
    assert "GPIO 17 is “on”" in told
    assert "10 kΩ to 3.3 V" in told
    assert "gpio=17=op,dh" in told
    assert "use GPIO 6" in told, "5 is taken"
    assert "gpio=4=op,dl" in checking.advice(Output(family="gpio", pin=4))
    assert checking.advice(Output(family="gpio", pin=17)) == ""
    assert checking.advice(Output(family="shelly2")) == ""


def test_rule_11_boot_pulls_are_up_to_8_and_down_from_9() -> None:
    assert [pin for pin in range(28) if pins.on_at_start(pin, active_high=True)] == list(range(9))
    assert [pin for pin in range(28) if pins.on_at_start(pin, active_high=False)] == list(range(9, 28))
    for active_high, proposed in ((True, pins.LOW_AT_START), (False, pins.HIGH_AT_START)):
        for pin in proposed:
            assert pins.advice(pin, active_high) is None
            assert not pins.is_serial(pin) and not pins.is_spi(pin)
    nothing_free = pins.advice(20, False, taken=pins.HIGH_AT_START)
    assert nothing_free is not None and nothing_free.pin is None


@pytest.mark.django_db
@pytest.mark.parametrize("address", [REAL, "http://shelly.local", "http://8.8.8.8", "https://[2001:db8::1]"])
def test_real_outputs_cannot_be_added_to_the_demo(address: str, settings: Any) -> None:
    settings.MODE = "demo"
    assert "demo house" in str(refused(address=address)["address"])
    assert make("Emulated", address="http://127.0.0.1:8123").pk
    relay = make("Relay", family="gpio", pin=17)
    assert relay.demo_pins, "the demo's board, never this machine's pins"


@pytest.mark.django_db
def test_rule_3_a_class_c_output_carries_no_heater_and_no_more_than_1_kw_unless_the_owner_accepts_it() -> None:
    socket = make("Socket", family="homewizard")
    rating.check_load(socket, "other", 1000)
    for kind, load_w in (("other", 1001), ("boiler", 300)):
        with pytest.raises(ValidationError, match="cannot switch itself off if this machine dies"):
            rating.check_load(socket, kind, load_w)
    socket.cannot_switch_off = True
    rating.check_load(socket, "boiler", 1400)
    rating.check_load(make("Plug", address="http://192.168.1.31"), "boiler", 1400)
    rating.check_load(make("Relay", family="gpio", pin=17), "boiler", 1400)


@pytest.mark.django_db
def test_rule_9_a_load_that_lasts_takes_80_percent_of_what_its_output_carries() -> None:
    plug = make()
    for kind, most in (("ev", 1440), ("boiler", 1440), ("heat_pump", 1440), ("pump", 1440), ("other", 1800)):
        rating.check_load(plug, kind, most)
        with pytest.raises(ValidationError, match=f"carries {most} W"):
            rating.check_load(plug, kind, most + 1)
    plug.max_w = 3500
    rating.check_load(plug, "ev", 2800)


@pytest.mark.django_db
def test_an_output_cannot_be_made_too_weak_or_unsafe_for_the_load_that_hangs_on_it() -> None:
    plug = make(max_w=3500)
    agents.create(Controller, name="Car", output=plug, load="ev", load_w=2300)
    for field, values in (("max_w", {"max_w": 2000}), ("cannot_switch_off", {"family": "homewizard"})):
        weaker = Output.objects.get(pk=plug.pk)
        for name, value in values.items():
            setattr(weaker, name, value)
        with pytest.raises(ValidationError) as told:
            weaker.full_clean(exclude=["state"])
        assert list(told.value.message_dict) == [field]
