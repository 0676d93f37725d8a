"""Blocks in the admin: what was computed, what was not and why. Only to be read; a person can have them computed again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from energysite import audit
from energysite.actors import actor_of
from energysite.admin import ReadOnlyAdmin
from energysite.broker import BrokerAway
from energysite.permissions import allows
from meters import block_words, reopening
from meters.block_list import ORDERING, Blocks, UncountedPaginator
from meters.kinds import KINDS, total_name
from meters.models import Block

STATE_COLOURS = {"todo": "info", "faulty": "danger", "done": "warning", "closed": "success"}


def may_process(request: HttpRequest) -> bool:
    return allows(actor_of(request), "agents.configure")


def broker_is_away(request: HttpRequest) -> None:
    messages.error(request, gettext("Valkey is away, so no worker could be asked. Try again in some seconds."))


def asked_to_reopen(request: HttpRequest, opts: Any, question: str, lines: list[str], chosen: list[int]) -> TemplateResponse:
    """The page that says what going back to to-do would do, before it is done."""
    context = {
        **admin.site.each_context(request),
        "title": _("Back to to-do"),
        "opts": opts,
        "question": question,
        "lines": lines,
        "chosen": chosen,
        "back": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
    }
    return TemplateResponse(request, "admin/meters/blocks/reopen.html", context)


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    list_display = ("begin", "source", "length_s", "coloured", "coverage", "gap", "attempts", "why")
    list_filter = ("state", "length_s", "source", "recovered")
    list_select_related = ("source",)
    list_per_page = 50
    date_hierarchy = "start"
    ordering = ORDERING
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count every block
    paginator = UncountedPaginator
    actions = ("process_now", "back_to_do")
    fields = (
        ("source", "length_s"),
        ("start", "end", "local_date"),
        ("coloured", "done_at", "attempts", "retry_after", "why"),
        ("coverage", "recovered"),
        "counted",
        "power",
    )
    readonly_fields = ("coloured", "coverage", "why", "counted", "power")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Block]:
        return Blocks(Block)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return may_process(request)

    @display(description=_("start"))
    def begin(self, obj: Block) -> Any:
        return obj.local_date or obj.start

    @display(description=_("state"), label=STATE_COLOURS)
    def coloured(self, obj: Block) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @display(description=_("coverage"))
    def coverage(self, obj: Block) -> str:
        if obj.covered_s is None:
            return "–"
        return f"{100 * obj.covered_s / (obj.end - obj.start).total_seconds():.0f} %"

    @display(description=_("recovered"))
    def gap(self, obj: Block) -> str:
        return gettext("yes") if obj.recovered else ""

    @display(description=_("reason"))
    def why(self, obj: Block) -> str:
        return block_words.words(obj.reason)

    @display(description=_("counted"))
    def counted(self, obj: Block) -> str:
        registers = KINDS[obj.source.kind].registers
        unit = "l" if registers == ("volume_l",) else "Wh"
        parts = [
            gettext("%(register)s: %(energy)s %(unit)s, then at %(counter)s")
            % {"register": total_name(obj.source.medium, name), "energy": energy, "unit": unit, "counter": getattr(obj, f"end{place}")}
            for place, name in enumerate(registers, 1)
            if (energy := getattr(obj, f"energy{place}")) is not None
        ]
        return "; ".join(parts) or "–"

    @display(description=_("lowest, mean, highest"))
    def power(self, obj: Block) -> str:
        parts = [
            f"{name}: {getattr(obj, f'min{place}')}, {mean}, {getattr(obj, f'max{place}')}"
            for place, name in enumerate(KINDS[obj.source.kind].channels, 1)
            if (mean := getattr(obj, f"mean{place}")) is not None
        ]
        return "; ".join(parts) or "–"

    @action(description=_("Process now"), permissions=["process"])
    def process_now(self, request: HttpRequest, queryset: QuerySet[Block]) -> None:
        chosen = self._chosen(request, queryset)
        if chosen is None:
            return
        try:
            asked = reopening.process_blocks_now(chosen)
        except BrokerAway:
            broker_is_away(request)
            return
        audit.record(actor_of(request), "blocks processed now", blocks=len(chosen), managers=asked)
        messages.success(
            request, ngettext("%(count)s data manager runs now.", "%(count)s data managers run now.", asked) % {"count": asked}
        )

    @action(description=_("Back to to-do"), permissions=["process"])
    def back_to_do(self, request: HttpRequest, queryset: QuerySet[Block]) -> HttpResponse | None:
        chosen = self._chosen(request, queryset)
        if chosen is None:
            return None
        if "confirmed" not in request.POST:
            number = {"count": len(chosen)}
            question = (
                ngettext(
                    "Put %(count)s block and what overlaps it back to to-do?",
                    "Put %(count)s blocks and what overlaps them back to to-do?",
                    len(chosen),
                )
                % number
            )
            return asked_to_reopen(request, self.opts, question, [str(block) for block in chosen[:20]], [block.pk for block in chosen])
        opened = reopening.blocks(chosen)
        audit.record(actor_of(request), "blocks back to to-do", blocks=len(chosen), opened=opened)
        messages.success(
            request, ngettext("%(count)s block is back at to-do.", "%(count)s blocks are back at to-do.", opened) % {"count": opened}
        )
        return None

    def _chosen(self, request: HttpRequest, queryset: QuerySet[Block]) -> list[Block] | None:
        chosen = list(queryset.select_related("source")[: reopening.MOST_CHOSEN + 1])
        if len(chosen) > reopening.MOST_CHOSEN:
            messages.error(
                request, gettext("Choose %(most)s blocks at most, or all of a data manager in its list.") % {"most": reopening.MOST_CHOSEN}
            )
            return None
        return chosen
