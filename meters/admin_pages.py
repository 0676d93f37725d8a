"""What the pages by which a person sets readings right have in common: who may, and the frame they stand in."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse

from energysite.actors import actor_of
from energysite.permissions import Actor, allows

Table = dict[str, Sequence[Any]]


def decider(request: HttpRequest) -> Actor:
    """Who asks, where that one may decide about readings. Raises PermissionDenied."""
    actor = actor_of(request)
    if not allows(actor, "readings.decide"):
        raise PermissionDenied
    return actor


class SeenForm(forms.Form):
    """A form that is saved only as it was shown: `seen` carries the fingerprint of what the person looked at."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def show(self, fingerprint: str) -> None:
        """What the next page carries."""
        self.data = {**{name: self.data.get(name) for name in self.data}, "seen": fingerprint}


def page(request: HttpRequest, template: str, model: type[Model], title: str, **context: Any) -> TemplateResponse:
    frame = {"title": title, "opts": model._meta}
    return TemplateResponse(request, f"admin/meters/trust/{template}.html", {**admin.site.each_context(request), **frame, **context})
