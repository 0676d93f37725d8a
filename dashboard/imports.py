"""/settings/import/: history from a file. Uploaded in parts, looked at and imported by a process of its own; owners only.

Each page shows what the files of `meters.exchange.child` say, so reloading it, or opening it elsewhere, loses nothing.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dashboard import ages, import_words
from energysite import audit, confirm
from energysite.permissions import requires
from energysite.uploads import PART_BYTES, OutOfStep, Refused
from meters.exchange import child
from meters.exchange.child import Import, Stage
from meters.models import Source

NEW = {
    "new:electricity": ("electricity", ""),
    "new:production": ("production", ""),
    "new:gas": ("volume", "gas"),
    "new:water": ("volume", "water"),
}


def _choices() -> list[tuple[str, Any]]:
    there = [(f"source:{pk}", name) for pk, name in Source.objects.order_by("name").values_list("pk", "name")]
    made = [
        ("new:electricity", _("electricity")),
        ("new:production", _("solar")),
        ("new:gas", _("gas")),
        ("new:water", _("water")),
    ]
    return [("", _("Choose")), *([(_("Sources of this house"), there)] if there else []), (_("A new source"), made)]


class TargetForm(forms.Form):
    """Where the readings go: `chosen` gives (name, create, medium)."""

    target = forms.ChoiceField(label=gettext_lazy("Readings of"), choices=_choices)
    name = forms.CharField(
        label=gettext_lazy("Name of the new source"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Only for a new one, such as “Old meter”."),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("target", "") in NEW and not given.get("name"):
            self.add_error("name", _("Give the new source a name."))
        return given

    def chosen(self) -> tuple[str, str, str]:
        target = self.cleaned_data["target"]
        if target in NEW:
            return self.cleaned_data["name"], *NEW[target]
        return Source.objects.get(pk=target.partition(":")[2]).name, "", ""


def _fresh(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What changes the house's numbers is asked of who gave the password lately."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if confirm.is_fresh(request):
            return view(request, *args, **kwargs)
        answer = confirm.asked_again(request, reverse("import"))
        return JsonResponse({"open": answer["Location"]}, status=409) if _by_script(request) else answer

    return checked


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


@require_safe
@requires("readings.import")
def page(request: HttpRequest) -> HttpResponse:
    child.sweep(timezone.now().timestamp())
    job = child.current()
    if not job.runs and not confirm.is_fresh(request):
        return confirm.asked_again(request)
    return _shown(request, job)


def _shown(request: HttpRequest, job: Import, form: TargetForm | None = None) -> HttpResponse:
    found = job.result or job.preview
    context = {
        "job": job,
        "stage": job.stage.value,
        "form": form or TargetForm(initial=_initial(job)),
        "part_bytes": PART_BYTES,
        "size": ages.size(job.about.get("size", 0)),
        "percent": import_words.percent(job),
        "words": import_words.progress(job) if job.runs else "",
        "trouble": import_words.trouble(job) if job.stage is Stage.FAILED else "",
        "outcome": import_words.outcome(job.result) if job.result else [],
        "bad": import_words.bad_lines(found),
        "bad_more": import_words.bad_more(found),
        **{name: _instant(found.get(name)) for name in ("first", "last")},
        **{name: import_words.number(job.preview.get(name, 0)) for name in ("rows", "overlap")},
        **_sample(job.preview),
    }
    return render(request, "imports/page.html", context)


def _initial(job: Import) -> dict[str, str]:
    """What was chosen before, and a new source only where there is none."""
    name, create, medium = (job.about.get(key, "") for key in ("source", "create", "medium"))
    if create:
        return {"target": f"new:{medium or create}", "name": name}
    pk = Source.objects.filter(name=name).values_list("pk", flat=True).first()
    return {"target": f"source:{pk}"} if pk else {}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _sample(preview: dict[str, Any]) -> dict[str, Any]:
    """The first rows as a table: those columns that any of them has."""
    rows = preview.get("sample", [])
    names = list(dict.fromkeys(name for row in rows for name in row if name != "time"))
    return {
        "sample_names": names,
        "sample": [(_instant(row["time"]), [row.get(name) for name in names]) for row in rows],
    }


@require_POST
@requires("readings.import")
@_fresh
def begin(request: HttpRequest) -> HttpResponse:
    """A new upload takes the place of the one before. Without scripts the (small) file comes at once."""
    whole = request.FILES.get("file")
    held = child.upload()
    try:
        if child.current().runs:
            raise Refused("busy")
        if whole is None:
            size = request.POST.get("size", "")
            identity = held.begin(request.POST.get("name", ""), int(size) if size.isascii() and size.isdigit() else 0)
            return JsonResponse({"id": identity})
        identity = held.begin(whole.name or "", whole.size or 0)
        for chunk in whole.chunks():
            held.add(identity, held.received(), chunk)
    except Refused as refused:
        if _by_script(request):
            return JsonResponse({"error": import_words.refusal(refused.code)}, status=400)
        messages.error(request, import_words.refusal(refused.code))
    return redirect("import")


@require_POST
@requires("readings.import")
def part(request: HttpRequest) -> HttpResponse:
    """The body goes into the file at `?offset=`; 409 with `received` where that is not its end."""
    offset = request.GET.get("offset", "")
    try:
        if not (offset.isascii() and offset.isdigit()):
            raise Refused("file")
        received = child.upload().add(request.GET.get("upload", ""), int(offset), request.body)
    except OutOfStep as error:
        return JsonResponse({"received": error.received}, status=409)
    except Refused as refused:
        return JsonResponse({"error": import_words.refusal(refused.code)}, status=400)
    return JsonResponse({"received": received})


@require_POST
@requires("readings.import")
@_fresh
def look(request: HttpRequest) -> HttpResponse:
    """Make the preview for the chosen source."""
    form = TargetForm(request.POST)
    if not form.is_valid():
        return _shown(request, child.current(), form)
    source, create, medium = form.chosen()
    return _started(request, "preview", source, create, medium)


@require_POST
@requires("readings.import")
@_fresh
def start(request: HttpRequest) -> HttpResponse:
    """Import what was looked at."""
    job = child.current()
    if job.stage is not Stage.LOOKED and job.failed != "import":
        return redirect("import")
    about = job.about
    response = _started(request, "import", about["source"], about["create"], about["medium"])
    audit.record(request.actor, "history imported", about["source"], file=about["name"])  # type: ignore[attr-defined]
    return response


def _started(request: HttpRequest, run: str, source: str, create: str, medium: str) -> HttpResponse:
    try:
        child.start(run, source=source, create=create, medium=medium, language=get_language() or "en")
    except child.Busy:
        messages.error(request, import_words.refusal("busy"))
    except FileNotFoundError:
        messages.error(request, import_words.refusal("file"))
    return redirect("import")


@require_POST
@requires("readings.import")
def stop(request: HttpRequest) -> HttpResponse:
    child.cancel()
    return redirect("import")


@require_POST
@requires("readings.import")
def discard(request: HttpRequest) -> HttpResponse:
    try:
        child.discard()
    except child.Busy:
        messages.error(request, import_words.refusal("busy"))
    return redirect("import")


@require_safe
@requires("readings.import")
def state(request: HttpRequest) -> JsonResponse:
    """For the page that waits: stage, percent, words."""
    job = child.current()
    return JsonResponse(
        {"stage": job.stage.value, "percent": import_words.percent(job), "words": import_words.progress(job) if job.runs else ""}
    )
