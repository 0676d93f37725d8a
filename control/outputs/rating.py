"""What an output may carry (rules 3 and 9 of safety)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from control.models import Controller, Output
from control.outputs import families

# More than this, and a heater of any size, belongs to an output that switches itself off when this machine dies.
UNCONFIRMED_W = 1000
HEATERS = (Controller.Load.BOILER,)
# Run for hours at full power: contacts, sockets and cords get warm.
LASTING = (Controller.Load.EV, Controller.Load.BOILER, Controller.Load.HEAT_PUMP, Controller.Load.PUMP)
LASTING_PCT = 80


def most_w(output: Output, kind: str) -> int:
    """What a load of this kind may take of it."""
    return output.continuous_w * LASTING_PCT // 100 if kind in LASTING else output.continuous_w


def too_much(output: Output, kind: str, load_w: int) -> Any:
    """Rule 9, in words; empty where the load is not too much for the output."""
    most = most_w(output, kind)
    if load_w <= most:
        return ""
    words = _("“%(output)s” carries %(most)s W of such a load: the load of %(load)s W is too much. Check its “most continuous power”.")
    return words % {"output": output.name, "most": most, "load": load_w}


def unconfirmed(output: Output, kind: str, load_w: int) -> Any:
    """Rule 3, in words; empty where the output may carry the load when this machine dies."""
    safe = families.safety_class(output) != families.NOBODY or output.cannot_switch_off
    if safe or (load_w <= UNCONFIRMED_W and kind not in HEATERS):
        return ""
    words = _(
        "“%(output)s” cannot switch itself off if this machine dies, so it may carry no heater and %(most)s W at most. "
        "Set the device up, where it has a timer; or tick at the output that you accept it."
    )
    return words % {"output": output.name, "most": UNCONFIRMED_W}


def check_load(output: Output, kind: str, load_w: int) -> None:
    """For a controller's form. Raises ValidationError for a load that this output may not carry."""
    errors = {"load_w": too_much(output, kind, load_w), "output": unconfirmed(output, kind, load_w)}
    if any(errors.values()):
        raise ValidationError({field: words for field, words in errors.items() if words})


def check_output(output: Output) -> None:
    """For an output's form: its settings and what its controller switches. Raises ValidationError."""
    controller = Controller.objects.filter(output_id=output.pk).first() if output.pk else None
    if controller is None:
        return
    kind, load_w = controller.load, controller.load_w
    errors = {"max_w": too_much(output, kind, load_w), "cannot_switch_off": unconfirmed(output, kind, load_w)}
    if any(errors.values()):
        raise ValidationError({field: words for field, words in errors.items() if words})
