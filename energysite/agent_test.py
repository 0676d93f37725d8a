"""Test in the admin: what does the device say now, by the settings as they stand in the form? Nothing is saved."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from energysite import confirm, database
from energysite.actors import actor_of
from energysite.agent_admin import AgentAdmin
from energysite.device_look import Look
from energysite.permissions import allows

# Say nothing of how the device is reached or read.
UNTESTED = ("enabled", "requestable")


class Tested(ModelAdmin):
    """A form with a Test button. `look_at` does it: at most some seconds, in a request of its own."""

    change_form_outer_before_template = "admin/agents/test_button.html"
    test_words: Any = ""
    test_permission = "agents.configure"
    untested: tuple[str, ...] = UNTESTED

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        raise NotImplementedError

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_test"
        return [path("test/", self.admin_site.admin_view(require_POST(self.test)), name=name), *super().get_urls()]

    def test(self, request: HttpRequest) -> HttpResponse:
        """POST the form; `?of=` names the stored one, whose secrets are used where the form brings none."""
        if not allows(actor_of(request), self.test_permission):
            raise PermissionDenied
        if not confirm.is_fresh(request):
            return confirm.asked_again(request, back=self._form_page(request))
        device = self._device(request)
        stored = model_to_dict(device)
        form = self._test_form()(request.POST, instance=device)
        if not form.is_valid():
            return self._page(request, errors=_sentences(form))
        device.name = device.name or str(request.POST.get("name", ""))[:80]
        database.give_back()  # others use the connection while the device takes its time
        found = self.look_at(device, live_ok=device.pk is not None and stored == model_to_dict(device))
        return self._page(request, found=found)

    def _test_form(self) -> type[forms.ModelForm]:
        columns = [field.name for field in self.model._meta.concrete_fields if field.editable and not field.primary_key]
        return forms.modelform_factory(self.model, fields=[name for name in columns if name not in ("name", *self.untested)])

    def _device(self, request: HttpRequest) -> Any:
        pk = request.GET.get("of", "")
        if not pk:
            return self.model()
        device = self.model._default_manager.filter(pk=pk).first() if pk.isascii() and pk.isdigit() and len(pk) < 10 else None
        if device is None:
            raise Http404
        return device

    def _form_page(self, request: HttpRequest) -> str:
        where = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        pk = request.GET.get("of", "")
        return reverse(f"{where}_change", args=[pk]) if pk.isdigit() else reverse(f"{where}_add")

    def _page(self, request: HttpRequest, *, found: Look | None = None, errors: Sequence[str] = ()) -> TemplateResponse:
        context = {"title": _("Test"), "opts": self.opts, "found": found, "errors": errors}
        return TemplateResponse(request, "admin/agents/test.html", {**admin.site.each_context(request), **context})


class TestedAdmin(Tested, AgentAdmin):
    """An agent that can be asked once."""


def _sentences(form: forms.ModelForm) -> list[str]:
    """Each with the field's own name before it."""
    return [
        str(text) if name == "__all__" else f"{form.fields[name].label}: {text}" for name, texts in form.errors.items() for text in texts
    ]
