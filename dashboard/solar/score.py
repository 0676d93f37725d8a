"""How good the forecasts were, beside a copy of the day before and beside the uncorrected forecast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.energy.slots import day_name
from dashboard.figures import ABSENT, decimals, thousandths
from energysite.timegrid import Period, Span
from solar.models import ForecastScore

# A single day says little: it stands with the month that it ends.
DAYS_BEFORE = timedelta(days=30)
LONGEST_TABLE = 31


@dataclass(frozen=True, slots=True)
class Row:
    """`mae_w`: how far off on average; `bias_w`: how much too high. None where it is not known."""

    key: str
    name: str
    mae_w: float | None
    bias_w: float | None

    @property
    def mae(self) -> str:
        return ABSENT if self.mae_w is None else decimals(self.mae_w, 0)

    @property
    def bias(self) -> str:
        return ABSENT if self.bias_w is None else signed(self.bias_w)


@dataclass(frozen=True, slots=True)
class DayRow:
    name: str
    made: str
    forecast: str
    mae: str
    within: str


@dataclass(frozen=True, slots=True)
class Score:
    """Of `days` days; `within`: the percentage of quarters inside the band, None where there was none."""

    days: int
    rows: list[Row]
    by_day: list[DayRow]
    within: float | None

    @property
    def sentence(self) -> str:
        forecast, raw, persistence = self.rows
        of_days = ngettext("Over %(n)s day", "Over %(n)s days", self.days) % {"n": self.days}
        said = [_("%(days)s the forecast was %(mae)s W off on average.") % {"days": of_days, "mae": forecast.mae}]
        if persistence.mae_w is not None:
            said.append(
                _("Uncorrected it would have been %(raw)s W, a copy of the day before %(persistence)s W.")
                % {"raw": raw.mae, "persistence": persistence.mae}
            )
        else:
            said.append(_("Uncorrected it would have been %(raw)s W.") % {"raw": raw.mae})
        if self.within is not None:
            said.append(
                _("%(percent)s %% of the quarters lay in the band, which is made for 80 %%.") % {"percent": decimals(self.within, 0)}
            )
        return " ".join(said)


def bounds(period: Period) -> tuple[date, date]:
    """The days [first, until) whose scores stand with a period."""
    return (period.until - DAYS_BEFORE, period.until) if period.span is Span.DAY else (period.first, period.until)


def of_period(period: Period) -> Score | None:
    """None where no day of it was scored. One statement."""
    first, until = bounds(period)
    return of(list(ForecastScore.objects.filter(day__gte=first, day__lt=until).order_by("-day")))


def of(scores: Sequence[ForecastScore]) -> Score | None:
    """Each day counts by its daylight. All three are compared on the same days, those that have a day before, where there are any."""
    if not scores:
        return None
    compared = [score for score in scores if score.persistence_mae_w is not None] or list(scores)
    names = (
        ("forecast", "", _("Forecast")),
        ("raw", "raw_", _("Uncorrected")),
        ("persistence", "persistence_", _("Copy of the day before")),
    )
    return Score(
        days=len(scores),
        rows=[Row(key, name, _mean(compared, f"{field}mae_w"), _mean(compared, f"{field}bias_w")) for key, field, name in names],
        by_day=[_day(score) for score in scores] if len(scores) <= LONGEST_TABLE else [],
        within=_mean(scores, "within_pct"),
    )


def _mean(scores: Iterable[ForecastScore], field: str) -> float | None:
    known = [(getattr(score, field), score.steps) for score in scores if getattr(score, field) is not None]
    steps = sum(number for _value, number in known)
    return sum(value * number for value, number in known) / steps if steps else None


def _day(score: ForecastScore) -> DayRow:
    return DayRow(
        name=day_name(score.day),
        made=thousandths(score.made_wh, 2),
        forecast=thousandths(score.forecast_wh, 2),
        mae=decimals(score.mae_w, 0),
        within=ABSENT if score.within_pct is None else f"{decimals(score.within_pct, 0)} %",
    )


def signed(value: float) -> str:
    sign = "+" if round(value) > 0 else "−" if round(value) < 0 else "±"
    return f"{sign}{decimals(abs(value), 0)}"
