"""The makes of switches that this site can command: one line here for each file of drivers. No Django."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from control.outputs import Driver, tasmota
from control.outputs.dry_run import DryRun
from control.outputs.gpio import Gpio
from control.outputs.homewizard import HomeWizardSocket
from control.outputs.http_switch import HttpSwitch
from control.outputs.mqtt import Mqtt
from control.outputs.settings import Settings, given
from control.outputs.shelly1 import Shelly1
from control.outputs.shelly2 import Shelly2
from control.outputs.tasmota import Tasmota
from energysite.errors import DeviceConfigError
from energysite.phrases import phrase as _

# A timer of its own; one process of ours may die; this machine may not.
OWN_TIMER, OURS, NOBODY = "A", "B", "C"
# With settings of their own that make them safe, see set_up.py.
SETTABLE = ("shelly1", "shelly2", "tasmota", "homewizard")


@dataclass(frozen=True, slots=True)
class Family:
    """`safety_class` (rule 3): A where the device always has a timer of its own, "" where only its set-up tells. `needs`: settings that
    may not be empty; `uses`: those that the form shows besides; `schemes`: of its address, none where it has no address."""

    name: str
    open: Callable[[Settings], Driver]
    safety_class: str
    schemes: tuple[str, ...] = ("http", "https")
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        return (*self.needs, *self.uses)


def _gpio(of: Settings) -> Gpio:
    if of.pin is None:
        raise DeviceConfigError(_("Say which pin switches it."))
    return Gpio(of.pin, of.active_high, folder=of.folder, demo=of.demo_pins)


def _tasmota(of: Settings) -> Tasmota:
    return Tasmota(of.address, of.channel, of.username, of.password, has_timer=tasmota.timer_of(of.set_up))


def _http(of: Settings) -> HttpSwitch:
    return HttpSwitch(
        of.address,
        of.on_request,
        of.off_request,
        state=(of.state_request, of.state_path),
        power_path=of.power_path,
        texts=(of.on_text, of.off_text),
        username=of.username,
        password=of.password,
    )


def _mqtt(of: Settings) -> Mqtt:
    texts = (of.on_text, of.off_text)
    return Mqtt(of.address, of.topic, state_topic=of.state_topic, texts=texts, username=of.username, password=of.password)


FAMILIES: tuple[Family, ...] = (
    Family("shelly2", lambda of: Shelly2(of.address, of.channel, of.password), OWN_TIMER, uses=("address", "channel", "password")),
    Family(
        "shelly1",
        lambda of: Shelly1(of.address, of.channel, of.username, of.password),
        OWN_TIMER,
        uses=("address", "channel", "username", "password"),
    ),
    Family("tasmota", _tasmota, "", uses=("address", "channel", "username", "password")),
    Family("homewizard", lambda of: HomeWizardSocket(of.address), NOBODY, uses=("address",)),
    Family("gpio", _gpio, OURS, schemes=(), needs=("pin",), uses=("active_high",)),
    Family(
        "http",
        _http,
        NOBODY,
        needs=("on_request", "off_request"),
        uses=("address", "username", "password", "state_request", "state_path", "power_path", "on_text", "off_text"),
    ),
    Family(
        "mqtt",
        _mqtt,
        NOBODY,
        schemes=("socket",),
        needs=("topic", "on_text", "off_text", "username", "password"),
        uses=("address", "state_topic"),
    ),
    Family("dry_run", lambda _of: DryRun(), OURS, schemes=()),
)


def known() -> dict[str, Family]:
    return {family.name: family for family in FAMILIES}


def open_output(of: Settings) -> Driver:
    """The driver of an output's settings; nothing is asked yet. Raises DeviceConfigError."""
    family = known().get(of.family)
    if family is None:
        raise DeviceConfigError(_("There is no make %(family)s.") % {"family": of.family})
    return family.open(of)


def open_driver(told: Mapping[str, Any], secret_key: str) -> Driver:
    """Of one entry of control:outputs. Raises DeviceConfigError."""
    return open_output(given(told, secret_key))


def safety_class(of: Settings | Mapping[str, Any], driver: Driver | None = None) -> str:
    """Rule 3: A, B or C of these settings; what `driver` has found in the device goes before what was found at set-up."""
    name, set_up = (of["family"], of.get("set_up")) if isinstance(of, Mapping) else (of.family, of.set_up)
    family = known().get(name)
    if family is None or family.safety_class:
        return NOBODY if family is None else family.safety_class
    timer = tasmota.timer_of(set_up or {}) if driver is None else driver.has_timer
    return OWN_TIMER if timer else NOBODY
