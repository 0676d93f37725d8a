"""The password asked again before people, keys and meters' addresses are changed.

A session left open on a tablet must not hand out the house.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from energysite.permissions import requires

LASTS_S = 15 * 60
KEY = "confirmed_at"


@receiver(user_logged_in, dispatch_uid="password confirmed")
def confirmed(request: HttpRequest, **kwargs: Any) -> None:
    request.session[KEY] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    return 0 <= time.time() - request.session.get(KEY, 0) < LASTS_S


def asked_again(request: HttpRequest, back: str = "") -> HttpResponse:
    """To the question, and back to this page or to `back` (a form that was sent has to be sent again)."""
    return HttpResponseRedirect(f"{reverse('confirm')}?{urlencode({'next': back or request.get_full_path()})}")


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )


@sensitive_post_parameters()
@requires("admin.use")
def confirm(request: HttpRequest) -> HttpResponse:
    """Wrong passwords count as wrong logins do."""
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse("admin:index")
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        if authenticate(request, username=request.user.get_username(), password=form.cleaned_data["password"]):
            confirmed(request)
            return HttpResponseRedirect(target)
        form.add_error("password", _("That is not your password."))
    return render(request, "confirm.html", {"form": form})
