"""Which settings of a controller go together: what its strategy needs, thresholds that do not contradict, what its load demands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from control.models import Controller
from control.outputs import rating
from control.rules.loads import KINDS

Strategy, Peak = Controller.Strategy, Controller.Peak
LONGEST_PERIOD_S = 3600
FLOOR_W = 2500
# Which can do without a meter, where the owner says so (rule 1).
WITHOUT_SUN = (Strategy.WINDOW, Strategy.PLAN, Strategy.SIGNAL)
Complaint = tuple[str, Any]


def check(controller: Controller) -> None:
    """Raises ValidationError with a sentence at each field that does not fit."""
    errors: dict[str, Any] = {}
    for field, words in _complaints(controller):
        errors.setdefault(field, words)
    if controller.output_id is not None and controller.load_w is not None:
        try:
            rating.check_load(controller.output, controller.load, controller.load_w)
        except ValidationError as error:
            errors = {**error.message_dict, **errors}
    if errors:
        raise ValidationError(errors)


def _complaints(controller: Controller) -> Iterator[Complaint]:
    yield from _of_strategy(controller)
    yield from _of_peak(controller)
    if controller.without_meter and controller.strategy not in WITHOUT_SUN:
        yield "without_meter", _("Only hours, a plan or a signal can do without a meter: the sun is found with it.")
    kind = KINDS.get(controller.load)
    if kind is not None and kind.compressor:
        for field, least_s in (("min_on_s", kind.min_on_s), ("min_off_s", kind.min_off_s)):
            given = getattr(controller, field)
            if given is not None and given < least_s:
                yield field, _("A compressor needs %(seconds)s s or more.") % {"seconds": least_s}
    if controller.period_s is not None and controller.period_s > LONGEST_PERIOD_S:
        yield "period_s", _("Choose an hour or less.")


def _of_strategy(controller: Controller) -> Iterator[Complaint]:
    match controller.strategy:
        case Strategy.THRESHOLD:
            yield from _of_threshold(controller)
        case Strategy.WINDOW:
            if controller.window_from is None:
                yield "window_from", _("Say from when.")
            if controller.window_to is None:
                yield "window_to", _("Say until when.")
            elif controller.window_from == controller.window_to:
                yield "window_to", _("It ends when it begins. For the whole day, set the mode to on.")
        case Strategy.SIGNAL:
            if controller.signal_id is None:
                yield "signal", _("Say which analog input.")
        case Strategy.BUDGET | Strategy.PLAN:
            if controller.sun_pct == 0 and controller.start_wh:
                yield "start_wh", _("It never waits for the sun with a share of sun of 0 %.")


def _of_threshold(controller: Controller) -> Iterator[Complaint]:
    if controller.upper_w is not None and controller.upper_w < 1:
        yield "upper_w", _("That is no surplus: choose 1 W or more.")
    if controller.deadband_w == 0:
        yield "deadband_w", _("Without a deadband it is on and off at the same power, and would flap.")


def _of_peak(controller: Controller) -> Iterator[Complaint]:
    if controller.peak == Peak.UP_TO and controller.peak_up_to_w is not None and controller.peak_up_to_w <= FLOOR_W:
        yield "peak_up_to_w", _("A month counts 2,500 W in any case: choose more, or “never”.")
    if controller.peak == Peak.DEPARTURE and controller.strategy != Strategy.PLAN:
        yield "peak", _("Only a weekly plan has a departure to make.")
