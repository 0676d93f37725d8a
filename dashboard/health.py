"""/health/: is all well, and if not, what to do. It works while the database or Valkey is away: that is when one looks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import health_celery, health_facts, health_growth, health_outputs, health_rejects, health_totals, health_words
from energysite.permissions import allows, requires

REASONS = {
    "checksum": lambda: _("wrong checksum"),
    "truncated": lambda: _("cut off"),
    "number": lambda: _("a number that cannot be read"),
    "time": lambda: _("a time that cannot be read"),
    "range": lambda: _("a value that cannot be true"),
    "missing": lambda: _("nothing to store in it"),
    "repeated": lambda: _("a line that came twice"),
}


@require_safe
@requires("pages.view")
def health(request: HttpRequest) -> HttpResponse:
    facts = health_facts.gather(timezone.now)
    meters = health_words.meters(facts)
    storage = [*health_words.storage(facts), health_words.worker(facts), *health_words.clocks(facts)]
    storage.append(health_totals.line(health_totals.gather() if facts.stored else None, facts.at.timestamp()))
    storage += health_outputs.lines(facts)
    processes = health_words.processes(facts)
    rejects = health_rejects.gather() if facts.stored else None
    blocks = health_growth.lines(facts)
    celery = health_celery.gather(facts)
    undecodable = facts.stored.undecodable if facts.stored else []
    context = {
        "facts": facts,
        "attention": health_words.problems(
            [*meters, *storage, *health_words.ended(processes), *health_rejects.lines(rejects), *blocks, *celery.failed]
        ),
        "meters": meters,
        "sources": health_words.sources(facts),
        "storage": storage,
        "processes": processes,
        "supervised": facts.processes is not None,
        "undecodable": [(REASONS.get(reason, lambda code=reason: code)(), number) for reason, number in undecodable],
        "blocks": blocks,
        "tables": health_growth.tables(facts),
        "rejects": rejects,
        "celery": celery,
        "may_decide": allows(request.actor, "readings.decide"),  # type: ignore[attr-defined]
        "may_see_admin": allows(request.actor, "admin.use"),  # type: ignore[attr-defined]
    }
    response = render(request, "health.html", context)
    response["Cache-Control"] = "no-store"
    return response
