"""Readings set aside, counter cycles and the meter's own peaks in the admin: to look at, and the first to decide about."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from energysite.admin import ReadOnlyAdmin
from meters import amounts, moments, reject_words
from meters.models import CounterCycle, MeterPeak, RejectEpisode


@admin.register(RejectEpisode)
class RejectEpisodeAdmin(ReadOnlyAdmin):
    list_display = ("since", "source", "rule", "count", "to", "decided_words")
    list_filter = ("decision", "asks", "rule", "source")
    list_select_related = ("source",)
    ordering = ("-asks", "-last")
    list_display_links = ("since",)

    @display(description=_("from"), ordering="first")
    def since(self, obj: RejectEpisode) -> str:
        return moments.stamp(obj.first)

    @display(description=_("to"), ordering="last")
    def to(self, obj: RejectEpisode) -> str:
        return moments.stamp(obj.last)

    @display(
        description=_("decision"),
        ordering="decision",
        label={"asks": "warning", "open": "info", "accepted": "default", "overruled": "success"},
    )
    def decided_words(self, obj: RejectEpisode) -> tuple[str, str]:
        waits = obj.asks and obj.decision == RejectEpisode.Decision.OPEN
        return ("asks", str(_("waits for an answer"))) if waits else (obj.decision, reject_words.decision(obj))


@admin.register(CounterCycle)
class CounterCycleAdmin(ReadOnlyAdmin):
    """Where a register began anew: a swap, a reset, a roll-over. Made by decisions and replacements, never by hand."""

    list_display = ("begin", "source", "register_words", "added")
    list_filter = ("source",)
    list_select_related = ("source",)
    ordering = ("-since",)
    fields = ("source", "register_words", "begin", "added")
    readonly_fields = fields

    @display(description=_("since"), ordering="since")
    def begin(self, obj: CounterCycle) -> str:
        return moments.stamp(obj.since)

    @display(description=_("register"), ordering="register")
    def register_words(self, obj: CounterCycle) -> str:
        return amounts.register_words(obj.register)

    @display(description=_("added to what it shows"), ordering="offset")
    def added(self, obj: CounterCycle) -> str:
        return amounts.shown(obj.register, obj.offset, signed=True)


@admin.register(MeterPeak)
class MeterPeakAdmin(ReadOnlyAdmin):
    """As the meter tells it: the running month and the thirteen before."""

    list_display = ("month_words", "source", "peak", "stamped", "heard")
    list_filter = ("source",)
    list_select_related = ("source",)
    ordering = ("-month", "source")
    fields = ("source", "month_words", "peak", "stamped", "heard")
    readonly_fields = fields

    @display(description=_("month"), ordering="month")
    def month_words(self, obj: MeterPeak) -> str:
        return moments.month(obj.month)

    @display(description=_("peak"), ordering="w")
    def peak(self, obj: MeterPeak) -> str:
        return f"{amounts.figure(obj.w)} kW"

    @display(description=_("the meter's stamp"), ordering="time")
    def stamped(self, obj: MeterPeak) -> str:
        return "–" if obj.time is None else moments.stamp(obj.time)

    @display(description=_("told"), ordering="told")
    def heard(self, obj: MeterPeak) -> str:
        return moments.stamp(obj.told)
