"""The page /settings/: the house, for owners to change; its meters, for everyone to see."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dashboard import downloads, sun_list
from dashboard.meter_list import meter_list
from energysite import audit
from energysite.models import House
from energysite.permissions import Actor, allows, requires


class HouseForm(forms.ModelForm):
    class Meta:
        model = House
        fields = ["name", "zone", "language", "currency", "grid", "fuse_a", "latitude", "longitude", "unread_battery"]
        help_texts = {"currency": gettext_lazy("Three letters, such as EUR.")}

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
            raise forms.ValidationError(_("Write the three letters of the currency, such as EUR."))
        return currency


@require_http_methods(["GET", "HEAD", "POST"])
@requires("pages.view")
def settings_page(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    may_change = allows(actor, "house.configure")
    form = HouseForm(request.POST or None, instance=House.load()) if may_change else None
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if _saved(form, actor):
            messages.success(request, _("Saved."))
            return redirect("settings")
    return render(
        request,
        "settings.html",
        {
            "form": form,
            "meters": meter_list(),
            **sun_list.everything(),
            "shown": _shown(form or HouseForm(instance=House.load())),
            "download": downloads.form(timezone.localdate()),
        },
    )


def _saved(form: HouseForm, actor: Actor) -> bool:
    """Row and audit entry in one transaction."""
    with transaction.atomic():
        before = model_to_dict(House.objects.select_for_update().get(pk=1), fields=form.Meta.fields)
        if not form.is_valid():
            return False
        changed = audit.differences(before, model_to_dict(form.instance, fields=form.Meta.fields))
        if changed:
            form.save()
            audit.record(actor, "house configured", form.instance.name, changed=changed)
    return True


def _shown(form: HouseForm) -> list[tuple[str, str]]:
    """The stored settings in words, for those who may look only."""
    return [(str(field.label), _in_words(form.instance, name)) for name, field in form.fields.items()]


def _in_words(house: House, name: str) -> str:
    value = getattr(house, name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value == "":
        return _("not set")
    return str(getattr(house, f"get_{name}_display", lambda: value)())
