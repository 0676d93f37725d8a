"""Ways to the bytes of a P1 port: a cable, a network port, a HomeWizard P1, a capture file."""

from typing import Protocol

from energysite.errors import DeviceConfigError


class Transport(Protocol):
    def read(self, deadline: float) -> bytes:
        """Bytes as soon as there are any; b"" when none came by `deadline` (time.monotonic()).

        Raises DeviceUnavailable when the device went away, in words; the transport is then of no further use.
        """

    def close(self) -> None: ...


def connect(address: str, *, baud: int = 115200, period_s: float = 1) -> Transport:
    """Open `address`; `baud` counts for cables, `period_s` for what is polled.

    Raises DeviceUnavailable (trying again can help) or DeviceConfigError (it cannot), each with a sentence for a person.
    """
    # Late: hold_outputs uses what lies in this package, and knows no Django.
    from django.core.exceptions import ValidationError

    from meters import addresses

    try:
        addresses.validate_address(address)
    except ValidationError as error:
        raise DeviceConfigError(" ".join(error.messages)) from None
    if addresses.is_serial(address):
        from meters.transports.cable import Cable

        return Cable(address, baud)
    if address.startswith("replay:"):
        from meters.transports.capture import Capture

        return Capture(address)
    if address.startswith("socket:"):
        from meters.transports.network import NetworkPort

        return NetworkPort(address)
    from meters.transports.homewizard import HomeWizard

    return HomeWizard(address, period_s)
