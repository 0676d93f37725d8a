"""What to check when a port says nothing, or nothing that can be read."""

from django.utils.translation import gettext as _

SAMPLE = 40


def silence(address: str = "") -> str:
    """Connected, and not one byte came. One thing to check a line."""
    checks = [
        _("The port may still be closed: open it on the site of your network operator (Fluvius, ORES, Sibelga); that can take a day."),
        _("Use the P1 socket of the meter, not S1."),
        _("The cable needs 5 V from the meter: a cable made for another meter may lack it."),
    ]
    if address.startswith("socket:"):
        checks.append(_("The program at the other end may be connected to no port, or serve another client."))
    else:
        checks.append(_("Another program may be reading the port: stop it."))
    return "\n".join([_("Connected, but nothing comes in."), *checks])


def unreadable(sample: bytes, *, tried_both: bool = False) -> str:
    """Bytes came, but no telegram: shows some of them."""
    if tried_both:
        advice = _("Both 115200 8N1 and 9600 7E1 were tried: check that this is the P1 port, and the cable (most need an inverted signal).")
    else:
        advice = _("The speed may be wrong (try 9600 7E1 for an old meter, or let it be recognised), or this is not the P1 port.")
    return " ".join([_("Bytes come in, but no telegram: %(sample)s.") % {"sample": shown(sample)}, advice])


def checksum(reason: str) -> str:
    """Telegrams came, none of them fit to be used."""
    return " ".join(
        [
            _("Telegrams come in, but none can be used. The last one: %(reason)s") % {"reason": reason},
            _("A long or damaged cable, or a second program on the port, loses bytes."),
        ]
    )


def shown(sample: bytes) -> str:
    """Bytes as text a person can compare: printable ones as they are, others as \\x00."""
    text = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in sample[:SAMPLE])
    return text + ("…" if len(sample) > SAMPLE else "")
