"""Readings set aside, counter cycles and the meter's own peaks in the admin: to look at, and the first to decide about."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from energysite.admin import ReadOnlyAdmin
from energysite.errors import BadReading
from meters import amounts, moments, reject_answers, reject_suspects, reject_words
from meters.admin_pages import decider, page
from meters.models import CounterCycle, MeterPeak, RejectEpisode


@admin.register(RejectEpisode)
class RejectEpisodeAdmin(ReadOnlyAdmin):
    list_display = ("since", "source", "rule", "count", "to", "decided_words")
    list_filter = ("decision", "asks", "rule", "source")
    list_select_related = ("source",)
    ordering = ("-asks", "-last")
    list_display_links = ("since",)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/decide/", wrap(decide), name="meters_rejectepisode_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return look(request, object_id)

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


def look(request: HttpRequest, object_id: str) -> HttpResponse:
    """The readings, the figures of the rule, and each answer with what it would change."""
    decider(request)
    episode = _episode(object_id)
    return page(
        request,
        "episode",
        RejectEpisode,
        gettext("Readings set aside"),
        episode=episode,
        source=episode.source,
        sentence=reject_words.sentence(episode),
        is_open=episode.decision == RejectEpisode.Decision.OPEN,
        decision=reject_words.decision(episode),
        answers=reject_answers.choices(episode),
        facts={"rows": reject_words.facts(episode)},
        suspects=reject_suspects.table(episode),
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `answer`: accept, overrule, counted or undo."""
    actor = decider(request)
    episode = _episode(str(pk))
    try:
        messages.success(request, reject_answers.carry_out(episode, request.POST.get("answer", ""), actor))
    except BadReading as error:
        messages.error(request, str(error))
    except KeyError as error:
        raise Http404 from error
    return HttpResponseRedirect(reverse("admin:meters_rejectepisode_change", args=[pk]))


def _episode(pk: str) -> RejectEpisode:
    if not pk.isdecimal():
        raise Http404
    return get_object_or_404(RejectEpisode.objects.select_related("source"), pk=int(pk))


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
