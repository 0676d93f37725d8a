"""The two forms of the first start: the owner's account, and a new password for one who lost it."""

from itertools import count
from typing import Any

from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from energysite import owners
from energysite.models import AgentState, validate_agent_name
from meters.addresses import validate_address
from meters.models import Meter


def _password_field() -> forms.CharField:
    return forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,  # argon2 of megabytes would cost seconds
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, not a common one."),
    )


class OwnerForm(forms.Form):
    username = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}),
        help_text=_("You log in with it. Letters, digits and @ . + - _ only."),
    )
    password = _password_field()

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if get_user_model()._default_manager.filter(username__iexact=username).exists():
            raise ValidationError(_("Somebody else has this name. Choose another."))
        return username

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "username" in cleaned and "password" in cleaned:
            self._judge(cleaned["password"], get_user_model()(username=cleaned["username"]))
        return cleaned

    def _judge(self, password: str, user: Any) -> None:
        try:
            password_validation.validate_password(password, user)
        except ValidationError as error:
            self.add_error("password", error)

    def save(self) -> Any:
        """Raises owners.OwnerExists when somebody was first."""
        return owners.create(self.cleaned_data["username"], self.cleaned_data["password"])


class NewPasswordForm(forms.Form):
    password = _password_field()

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password

    def save(self) -> Any:
        owners.set_password(self.user, self.cleaned_data["password"])
        return self.user


class LookForm(forms.Form):
    """Where the meter is: a port found on this machine, or an address."""

    port = forms.CharField(required=False, max_length=200)
    address = forms.CharField(
        label=_("Network address"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "socket://192.168.1.20:2000", "autocapitalize": "none", "spellcheck": "false"}),
        help_text=_("socket://host:port for a network port, http://host for a HomeWizard P1."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        wanted = (cleaned.get("address") or cleaned.get("port") or "").strip()
        try:
            cleaned["connection"] = self._usable(wanted)
        except ValidationError as error:
            self.add_error("address" if cleaned.get("address") else None, error)
        return cleaned

    @staticmethod
    def _usable(wanted: str) -> str:
        if not wanted:
            raise ValidationError(_("Choose a port, or fill in the address of your meter."))
        validate_address(wanted)
        known = Meter.objects.filter(connection=wanted).first()
        if known is not None:
            raise ValidationError(_("%(address)s is already the meter “%(name)s”."), params={"address": wanted, "name": known.name})
        return wanted


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        initial=lambda: free_name(_("Meter"), _("Meter %(number)s")),
        validators=[validate_agent_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Shown on every page. Cannot be changed later."),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if AgentState.objects.filter(pk=name).exists():
            raise ValidationError(_("Something else has this name already. Choose another one."))
        return name


def free_name(first: Any, more: Any) -> str:
    """Meter, or Meter 2, ...: a name is no question to ask."""
    taken = set(AgentState.objects.values_list("name", flat=True))
    names = (str(first) if number == 1 else str(more) % {"number": number} for number in count(1))
    return next(name for name in names if name not in taken)
