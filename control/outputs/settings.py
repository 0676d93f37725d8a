"""What a driver may use of an output's settings: its row, or what hold_outputs was told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from energysite import sealing
from energysite.errors import DeviceConfigError
from energysite.phrases import phrase as _


class Settings(Protocol):
    """As control.models.Output holds them. `set_up`: what was found in the device; see set_up.py."""

    family: str
    address: str
    username: str
    password: str
    channel: int
    pin: int | None
    active_high: bool
    on_request: str
    off_request: str
    state_request: str
    state_path: str
    power_path: str
    topic: str
    state_topic: str
    on_text: str
    off_text: str
    set_up: Any

    @property
    def folder(self) -> str: ...

    @property
    def demo_pins(self) -> bool: ...


@dataclass(slots=True)
class Given:
    """The same without a row, with its name. `folder`: where the site keeps its files; `demo_pins`: the demo house's relay board in
    it, not the pins of this machine."""

    family: str
    address: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    channel: int = 0
    pin: int | None = None
    active_high: bool = True
    on_request: str = ""
    off_request: str = ""
    state_request: str = ""
    state_path: str = ""
    power_path: str = ""
    topic: str = ""
    state_topic: str = ""
    on_text: str = "ON"
    off_text: str = "OFF"
    set_up: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    demo_pins: bool = False
    name: str = ""
    enabled: bool = True


NAMES = tuple(one.name for one in fields(Given))


def given(told: Mapping[str, Any], secret_key: str) -> Given:
    """Of one entry of control:outputs. Raises DeviceConfigError where its password was sealed with another key."""
    values = {name: told[name] for name in NAMES if name in told}
    try:
        values["password"] = sealing.unseal(secret_key, told.get("sealed", ""))
    except sealing.OtherKey as error:
        raise DeviceConfigError(_("The password was stored with another secret key: type it in again.")) from error
    return Given(**values)
