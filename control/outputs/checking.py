"""An output's settings: what its make can use, whom else it commands, and which pins it may have."""

import ipaddress
import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from control.models import Output
from control.outputs import families, pins, rating
from control.outputs.families import Family
from meters.host_port import host_and_port
from meters.models import AnalogInput

# As it stands in a request: no space, nothing that ends a line.
PAGE = re.compile(r"/[!-~]*", re.ASCII)
REQUESTS = ("on_request", "off_request", "state_request")
TOPICS = ("topic", "state_topic")
USUAL_PORTS = {"http": 80, "https": 443, "socket": 1883}

Errors = dict[str, Any]


def settle(output: Output) -> None:
    """One way to write each address, and nothing left of what another make used: two outputs of one device are seen to be that."""
    family = families.known().get(output.family)
    if family is None:
        return
    if "pin" not in family.shown:
        output.pin = None
    output.address = written(output.address, family.schemes[0]) if family.schemes and output.address else ""
    if "channel" not in family.shown:
        output.channel = 0
    for name in ("topic", "on_request"):
        if name not in family.shown:
            setattr(output, name, "")


def written(address: str, scheme: str) -> str:
    """http://192.168.1.30 for 192.168.1.30, HTTP://192.168.1.30:80/ and the like; `scheme` where none is written."""
    before, separator, after = address.strip().rstrip("/").partition("://")
    plain = f"{before}://{after}".lower() if separator else f"{scheme}://{before}".lower()
    name, found = plain.partition("://")[0], host_and_port(plain)
    return plain.rpartition(":")[0] if name != "socket" and found is not None and found[1] == USUAL_PORTS.get(name) else plain


def check(output: Output) -> None:
    """Raises ValidationError, in words, for settings that cannot be used."""
    family = families.known().get(output.family)
    if family is None:
        return  # the field itself says so
    errors: Errors = {name: _("This make needs it.") for name in family.needs if getattr(output, name) in (None, "")}
    errors |= {**_address(output, family), **_requests(output), **_topics(output), **_pin(output)}
    if not errors and (other := _same_device(output)) is not None:
        errors["address"] = _("“%(name)s” commands this device and channel already.") % {"name": other.name}
    if errors:
        raise ValidationError(errors)
    rating.check_output(output)


def _address(output: Output, family: Family) -> Errors:
    if not family.schemes:
        return {}
    found = host_and_port(output.address)
    if found is None or output.address.partition("://")[0] not in family.schemes:
        return {"address": _("Write the address as %(scheme)s://host:port.") % {"scheme": family.schemes[0]}}
    if settings.MODE == "demo" and not _is_loopback(found[0]):
        return {"address": _("This is the demo house: real outputs cannot be added to it. Set up your own house first.")}
    return {}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _requests(output: Output) -> Errors:
    if output.family != Output.Family.HTTP:
        return {}
    wrong = [name for name in REQUESTS if getattr(output, name) and not PAGE.fullmatch(getattr(output, name))]
    errors: Errors = {name: _("Begin with a slash; no spaces and no accents: /status or /api?channel=1.") for name in wrong}
    if output.on_request and output.on_request == output.off_request:
        errors["off_request"] = _("On and off need requests that differ.")
    if output.power_path and not output.state_path:
        errors["state_path"] = _("Say where the state stands too: the power is in the same answer.")
    return errors


def _topics(output: Output) -> Errors:
    if output.family != Output.Family.MQTT:
        return {}
    wrong = [name for name in TOPICS if re.search(r"[+#\x00-\x1f\x7f]", getattr(output, name))]
    errors: Errors = {name: _("A topic has no + and no #: it is of one device.") for name in wrong}
    if output.topic and output.topic == output.state_topic:
        errors["state_topic"] = _("The device tells its state on a topic of its own.")
    if output.on_text.lower() == output.off_text.lower():
        errors["off_text"] = _("On and off need texts that differ.")
    return errors


def _pin(output: Output) -> Errors:
    """Rule 11: what is refused; `advice` says what is only unwise."""
    if output.family != Output.Family.GPIO or output.pin is None:
        return {}
    if pins.is_serial(output.pin):
        return {"pin": _("GPIO 14 and 15 are the serial console's: its text would switch the relay. Choose another pin.")}
    if pins.is_spi(output.pin) and AnalogInput.objects.exists():
        return {"pin": _("GPIO 7 to 11 belong to the analog inputs (SPI). Choose another pin.")}
    return {}


def advice(output: Output) -> str:
    """Rule 11: what to do about a pin that is “on” while the machine starts; empty for any other."""
    if output.family != Output.Family.GPIO or output.pin is None:
        return ""
    taken = Output.objects.exclude(pk=output.pk).exclude(pin=None).values_list("pin", flat=True)
    found = pins.advice(output.pin, output.active_high, [pin for pin in taken if pin is not None])
    if found is None:
        return ""
    pull = {"up": _("a resistor of 10 kΩ to 3.3 V"), "down": _("a resistor of 10 kΩ to ground")}[found.pull]
    words = _(
        "GPIO %(pin)s is “on” for this board while the machine starts, until a program drives it. "
        "Solder %(pull)s, and add the line %(line)s to /boot/firmware/config.txt."
    ) % {"pin": output.pin, "pull": pull, "line": found.line}
    better = "" if found.pin is None else _("Better: use GPIO %(pin)s, which is off meanwhile.") % {"pin": found.pin}
    return f"{words} {better}".strip()


def _same_device(output: Output) -> Output | None:
    """Another output that commands it, however its address is written: by http or https, with its port or without."""
    if not output.address:
        return None
    return next((other for other in Output.objects.exclude(pk=output.pk).exclude(address="") if _is_same(output, other)), None)


def _is_same(one: Output, other: Output) -> bool:
    """Behind one address many may answer to requests and topics; a make that we know has one relay of a number."""
    if _place(one.address) != _place(other.address):
        return False
    general = {Output.Family.HTTP, Output.Family.MQTT}
    if one.family in general and other.family in general:
        return (one.topic, one.on_request) == (other.topic, other.on_request)
    return one.channel == other.channel or one.family in general or other.family in general


def _place(address: str) -> tuple[str, int]:
    """Host and port; 80 for the usual one of https too."""
    scheme = address.partition("://")[0]
    host, port = host_and_port(address) or (address, None)
    usual = USUAL_PORTS.get(scheme, 0)
    return host, USUAL_PORTS["http"] if scheme == "https" and port in (None, usual) else port or usual
